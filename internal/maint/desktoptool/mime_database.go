package desktoptool

import (
	"context"
	"path"
	"slices"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/maint/mimeinfo"
)

// mediaTypes are the folders in which the files of types that are gone are removed.
const mediaTypes = "all uri print text application image audio inode video message model multipart x-content x-epoc x-scheme-handler font"

// UpdateMimeDatabase is update-mime-database(1). Descriptions that it would skip with
// a warning stop the build.
func UpdateMimeDatabase(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("")
	if err != nil {
		return 1, err
	}
	if len(o.Rest) != 1 {
		return c.Complain(1, "Usage: update-mime-database [-hvVn] MIME-DIR")
	}
	dir := path.Clean(c.Path(o.Rest[0]))
	if !c.FS.IsDir(dir + "/packages") {
		return c.Complain(1, "Directory '%s/packages' does not exist!", dir)
	}
	tool, ok := c.Machine.Packages.Lookup("shared-mime-info")
	if !ok {
		return 1, c.Unhonoured("the package shared-mime-info, whose version it writes, is not there")
	}
	var sources []mimeinfo.File
	for _, p := range c.FS.Glob(dir + "/packages/*.xml") {
		data, err := c.FS.ReadFile(p)
		if err != nil {
			return 1, err
		}
		sources = append(sources, mimeinfo.File{Name: path.Base(p), Data: data})
	}
	db, err := mimeinfo.Read(sources)
	if err != nil {
		return 1, c.Unhonoured("%v", err)
	}
	files, err := db.Files(programVersion(tool.Version))
	if err != nil {
		return 1, c.Unhonoured("%v", err)
	}
	return 0, saveMime(c, dir, db, files)
}

func saveMime(c *command.Call, dir string, db *mimeinfo.Database, files []mimeinfo.File) error {
	written := map[string]bool{}
	for _, f := range files {
		written[f.Name] = true
		if up := path.Dir(dir + "/" + f.Name); !c.FS.IsDir(up) {
			if err := c.FS.Mkdir(up, 0o755); err != nil {
				return err
			}
		}
		if err := c.FS.Rewrite(dir+"/"+f.Name, f.Data, 0o644); err != nil {
			return err
		}
	}
	for _, old := range c.FS.Glob(dir + "/*/*.xml") {
		name := strings.TrimPrefix(old, dir+"/")
		if written[name] || db.Has(strings.TrimSuffix(name, ".xml")) || !slices.Contains(strings.Fields(mediaTypes), path.Dir(name)) {
			continue
		}
		if err := c.FS.Remove(old); err != nil {
			return err
		}
	}
	return nil
}
