package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/lock"
	"kiln/internal/recipe"
)

// completer answers a shell that asks how a word may go on.
type completer = func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective)

// words completes one of a few words, whatever file is called like them.
func words(list ...string) completer {
	return cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp)
}

// complete sets how the value of a flag is completed.
func complete(cmd *cobra.Command, flag string, c completer) {
	if err := cmd.RegisterFlagCompletionFunc(flag, c); err != nil {
		panic("bug: " + err.Error())
	}
}

// completeRecipe completes the one argument RECIPE: folders, and YAML files.
func completeRecipe(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
}

// completeFolder completes the one argument FOLDER.
func completeFolder(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// completeLocked completes RECIPE and, with --update, the packages of its lock.
func completeLocked(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return completeRecipe(cmd, args, word)
	}
	r, err := recipe.Load(args[0])
	if update, _ := cmd.Flags().GetBool("update"); err != nil || !update {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return lockedNames(lockPath(r.Path())), cobra.ShellCompDirectiveNoFileComp
}

// lockedNames are the names of all packages of a lock, sorted.
func lockedNames(path string) []string {
	l, err := lock.Load(path)
	if err != nil {
		return nil
	}
	var names []string
	for _, p := range l.Platforms {
		for _, pkg := range p.All() {
			names = append(names, pkg.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// completeAny completes a file or folder of any name.
func completeAny(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// completePlatforms completes a list with commas: of the recipe's platforms, or
// of all where there is no recipe to read.
func completePlatforms(_ *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	platforms := kiln.Platforms()
	if r, err := recipe.Load(recipeArg(args)); err == nil {
		platforms = r.Platforms
	}
	before := word[:strings.LastIndex(word, ",")+1]
	var list []string
	for _, p := range platforms {
		if !slices.Contains(strings.Split(before, ","), p.String()) {
			list = append(list, before+p.String())
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}

// completeOutput completes the TYPE: of an output, and then its path.
func completeOutput(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	const stay = cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	kind, path, typed := strings.Cut(word, ":")
	if !typed {
		return typesOf(bake.OutputTypes()), stay
	}
	var list []string
	for _, found := range below(path) {
		list = append(list, kind+":"+found)
	}
	return list, stay
}

// completePackOutput completes a plain file, or what completeOutput does of a pack's types.
func completePackOutput(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if strings.Contains(word, ":") {
		return completeOutput(cmd, args, word)
	}
	return append(typesOf(packOutputs()), below(word)...), cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}

// typesOf are types of output with the colon behind them.
func typesOf(types []bake.OutputType) []string {
	var list []string
	for _, t := range types {
		list = append(list, string(t)+":")
	}
	return list
}

// below lists the paths that begin with path, folders with a slash at the end.
func below(path string) []string {
	quoted := strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
	list, err := filepath.Glob(quoted + "*")
	if err != nil {
		return nil
	}
	for i, p := range list {
		if isFolder(p) {
			list[i] = p + "/"
		}
	}
	return list
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
