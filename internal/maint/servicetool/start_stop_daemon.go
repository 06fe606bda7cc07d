package servicetool

import (
	"context"

	"kiln/internal/maint/command"
)

// StartStopDaemon is start-stop-daemon(8): nothing runs in an image, so that there
// is nothing to stop; what would be started is noted.
func StartStopDaemon(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseLeading("start,S stop,K status,T name,n= pidfile,p= exec,x= startas,a= user,u= group,g= chuid,c= signal,s= retry,R= oknodo,o quiet,q verbose,v test,t background,b make-pidfile,m remove-pidfile chdir,d= nicelevel,N= umask,k= no-close,C notify-await output,O=")
	if err != nil {
		return 3, err
	}
	switch {
	case o.Has("status"):
		return 3, nil // is not running
	case o.Has("stop") && o.Has("oknodo"):
		return 0, nil
	case o.Has("stop"):
		return 1, nil
	case o.Has("start") && !o.Has("test"):
		c.Note("start", o.Value("exec", o.Value("startas", o.Value("name", ""))))
		return 0, nil
	case o.Has("start"):
		return 0, nil
	}
	return 3, c.Unhonoured("it is neither to start nor to stop anything")
}
