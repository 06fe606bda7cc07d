package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/examples"
	"kiln/internal/recipe"
)

func (a *app) initCommand() *cobra.Command {
	var template string
	cmd := &cobra.Command{
		Use:   "init [FOLDER]",
		Short: "Write a first recipe from a template",
		Long: "Write a first recipe from a template, into FOLDER or here. A new folder that is called like a template is made from that one, " +
			"unless --template names another. Templates:\n\n" + templateTable(),
		Example: `  kiln init web
  kiln init python
  kiln init --template debug toolbox`,
		Args:              atMost(1),
		ValidArgsFunction: completeFolder,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("template") && namesTemplate(args) {
				template = args[0]
			}
			files, err := writeTemplate(recipeArg(args), template)
			if err != nil {
				return err
			}
			v := struct {
				Template string   `json:"template"`
				Files    []string `json:"files"`
			}{template, files}
			return a.ui.result(v, func(w io.Writer) {
				fmt.Fprintf(w, "wrote %s from the template %q\nnext: kiln build %s\n", strings.Join(files, ", "), template, recipeArg(args))
			})
		},
	}
	cmd.Flags().StringVarP(&template, "template", "t", "base", "start from the template `NAME`: "+strings.Join(templateNames(), ", "))
	complete(cmd, "template", words(templateNames()...))
	return cmd
}

// namesTemplate reports whether the folder to write into is called like a template
// and is not there yet: whoever writes "kiln init python" means that template.
func namesTemplate(args []string) bool {
	if len(args) == 0 || !slices.Contains(templateNames(), args[0]) {
		return false
	}
	_, err := os.Lstat(args[0])
	return errors.Is(err, fs.ErrNotExist)
}

func templateNames() []string {
	var names []string
	for _, t := range examples.Templates() {
		names = append(names, t.Name)
	}
	return names
}

func templateTable() string {
	var b strings.Builder
	for _, t := range examples.Templates() {
		fmt.Fprintf(&b, "  %-14s  %s\n", t.Name, t.Summary)
	}
	return b.String()
}

// writeTemplate copies a template's files into dir and returns their paths. It
// replaces nothing.
func writeTemplate(dir, name string) ([]string, error) {
	if _, err := fs.Stat(examples.FS, name); err != nil {
		return nil, &kiln.Error{
			Code:  kiln.Usage,
			Text:  fmt.Sprintf("there is no template %q", name),
			Hints: []string{"kiln init --template " + strings.Join(templateNames(), "|")},
		}
	}
	var written []string
	err := fs.WalkDir(examples.FS, name, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(examples.FS, path)
		if err != nil {
			return err
		}
		if d.Name() == recipe.FileName {
			data = rename(data, name, dir)
		}
		to := filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(path, name+"/")))
		written = append(written, to)
		return writeNew(to, data)
	})
	return written, err
}

// rename gives a recipe the name of its folder, where that can be an image's name.
func rename(data []byte, name, dir string) []byte {
	abs, err := filepath.Abs(dir)
	base := filepath.Base(abs)
	if err != nil || !regexp.MustCompile(`^[a-z0-9]+([._-][a-z0-9]+)*$`).MatchString(base) {
		return data
	}
	text := strings.Replace(string(data), "\nname: "+name+"\n", "\nname: "+base+"\n", 1)
	return []byte(strings.Replace(text, "kiln build "+name+"\n", "kiln build\n", 1))
}

// writeNew writes a file that does not exist yet.
func writeNew(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return fmt.Errorf("cannot make the folder: %v", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return &kiln.Error{
			Code:  kiln.User,
			Text:  fmt.Sprintf("cannot write the recipe: %q is already there, and init replaces nothing", path),
			Hints: []string{"name another folder: kiln init FOLDER"},
		}
	}
	if err != nil {
		return fmt.Errorf("cannot write the recipe: %v", err)
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}
