package filetool

import (
	"context"
	"strconv"
	"strings"
	"time"

	"kiln"
	"kiln/internal/maint/command"
)

// Date is date(1): the time is the epoch of the image.
func Date(_ context.Context, c *command.Call) (int, error) {
	args := c.Args
	for i, a := range args { // -I and --rfc-... may hold their value
		if strings.HasPrefix(a, "-I") && len(a) > 2 || strings.HasPrefix(a, "--iso-8601=") || strings.HasPrefix(a, "--rfc-3339") {
			return 0, c.Unhonoured("the option %s is not known", args[i])
		}
	}
	o, err := c.ParseOptions("utc,universal,u date,d= reference,r= rfc-email,R iso-8601,I")
	if err != nil {
		return 0, err
	}
	when := c.Machine.Epoch
	switch {
	case o.Has("date"):
		if when, err = parseDate(c, o.Value("date", "")); err != nil {
			return 0, err
		}
	case o.Has("reference"):
		info, err := c.FS.Stat(c.Path(o.Value("reference", "")))
		if err != nil {
			return c.Failed(1, o.Value("reference", ""), err)
		}
		when = info.Epoch()
	default:
		c.Note(command.AskedTime, "answered "+when.Time().Format(time.RFC3339))
	}
	format := "+%a %b %e %H:%M:%S UTC %Y"
	switch {
	case o.Has("rfc-email"):
		format = "+%a, %d %b %Y %H:%M:%S +0000"
	case o.Has("iso-8601"):
		format = "+%Y-%m-%d"
	case len(o.Rest) == 1 && strings.HasPrefix(o.Rest[0], "+"):
		format = o.Rest[0]
	case len(o.Rest) > 0:
		return 0, c.Unhonoured("the clock cannot be set")
	}
	text, ok := strftime(when.Time(), format[1:])
	if !ok {
		return 0, c.Unhonoured("the format %q is not known", format)
	}
	c.Say("%s", text)
	return 0, nil
}

// parseDate reads the forms of date(1)'s -d that have one meaning.
func parseDate(c *command.Call, text string) (kiln.Epoch, error) {
	if digits, ok := strings.CutPrefix(text, "@"); ok {
		if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
			return kiln.Epoch(n), nil
		}
	}
	if text == "now" || text == "" || text == "today" {
		return c.Machine.Epoch, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", "20060102", time.RFC1123Z, time.RFC1123, time.UnixDate} {
		if t, err := time.Parse(layout, text); err == nil {
			return kiln.Epoch(t.Unix()), nil
		}
	}
	return 0, c.Unhonoured("the date %q is not in a form that kiln knows", text)
}

// strftime formats t, which is in UTC, as strftime(3) in the C locale.
func strftime(t time.Time, format string) (string, bool) {
	layouts := map[byte]string{
		'a': "Mon", 'A': "Monday", 'b': "Jan", 'h': "Jan", 'B': "January", 'd': "02", 'e': "_2", 'H': "15", 'I': "03", 'm': "01", 'M': "04",
		'S': "05", 'y': "06", 'Y': "2006", 'p': "PM", 'F': "2006-01-02", 'T': "15:04:05", 'R': "15:04", 'D': "01/02/06", 'Z': "UTC",
		'z': "-0700", 'j': "002", 'c': "Mon Jan _2 15:04:05 2006", 'x': "01/02/06", 'X': "15:04:05", 'N': "000000000",
	}
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		verb := format[i]
		plain := verb == '-' && i+1 < len(format)
		if plain {
			i++
			verb = format[i]
		}
		text := ""
		switch layout, ok := layouts[verb]; {
		case verb == '%':
			text = "%"
		case verb == 'n':
			text = "\n"
		case verb == 't':
			text = "\t"
		case verb == 's':
			text = strconv.FormatInt(t.Unix(), 10)
		case verb == 'N':
			text = layout
		case verb == 'u':
			text = strconv.Itoa((int(t.Weekday())+6)%7 + 1)
		case verb == 'w':
			text = strconv.Itoa(int(t.Weekday()))
		case !ok:
			return "", false
		default:
			text = t.Format(layout)
		}
		if plain {
			text = strings.TrimLeft(text, "0 ")
		}
		b.WriteString(text)
	}
	return b.String(), true
}
