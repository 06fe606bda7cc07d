package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/pack"
)

func (a *app) packVerifyCommand() *cobra.Command {
	var trustLock bool
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check a pack: every blob, and the signed chain of its lock",
		Long: `Check a pack, with the network off: every blob against its digest; that the lock is
its recipe's, and that all it names is there and nothing else; and the signed
chain, as of the time at which the lock judged it: a key signed the Release, the
Release names the indexes by hash, and these name the packages.

The keys are those that kiln brings for Debian, and for any other archive those of
the recipe's own keyring, which is in the pack: read whose they are. A package
that was left pinned when the rest of a lock moved on may stand in no index that
the lock names: the lock alone vouches for it, and it is refused unless --trust-lock
says that the lock is one that you know.

FILE is a tar that kiln pack wrote, or the folder of a layout; or
REGISTRY/NAME:TAG or REGISTRY/NAME@DIGEST, a pack of a registry or the image that
it stands beside. Of that, only fetching it uses the network.`,
		Example: `  kiln pack verify web.pack.tar
  kiln pack verify web.pack.tar --json | jq '.chain'
  kiln pack verify registry.example.org/team/web:1.4`,
		Args:              atMost(1),
		ValidArgsFunction: completeAny,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &kiln.Error{Code: kiln.Usage, Text: "kiln pack verify takes a pack, got none", Hints: []string{"kiln pack verify NAME.pack.tar"}}
			}
			return a.packVerify(cmd, args[0], trustLock)
		},
	}
	a.remote.register(cmd)
	cmd.Flags().BoolVar(&trustLock, "trust-lock", false, trustLockHelp)
	return cmd
}

// verified is what kiln pack verify prints with --json.
type verified struct {
	*pack.Contents
	Chain *bake.Chain `json:"chain"`
}

func (a *app) packVerify(cmd *cobra.Command, arg string, trustLock bool) error {
	family, st, err := a.family(sourceFlags{})
	if err != nil {
		return err
	}
	defer st.Close()
	path, done, err := a.packPath(cmd.Context(), st, arg)
	if err != nil {
		return err
	}
	defer done()
	p, err := bake.Unpack(cmd.Context(), bake.UnpackOptions{Archivist: family, Store: st, Path: path, From: layoutPath(arg), TrustLock: trustLock, Sink: a.ui.sink})
	if err != nil {
		return err
	}
	defer p.Close()
	return a.ui.result(verified{&p.Contents, p.Chain}, func(w io.Writer) {
		printContents(w, p.Recipe.Name, &p.Contents)
		printChain(w, p.Chain)
	})
}

func printChain(w io.Writer, c *bake.Chain) {
	for _, l := range c.Archives {
		fmt.Fprintf(w, "%s of %s, judged as of %s\n", l.Archive, l.Date.Format("2006-01-02 15:04 MST"), l.AsOf.Format("2006-01-02 15:04 MST"))
		for _, s := range l.Signers {
			fmt.Fprintf(w, "  signed by %s  %s\n", s.Fingerprint, s.Name)
		}
		fmt.Fprintf(w, "  vouches for %s, and these for %s of the pack\n", count(l.Indexes, "index file"), count(l.Packages, "package"))
	}
	for _, name := range c.Local {
		fmt.Fprintf(w, "%s comes from the recipe's folder\n", name)
	}
	for _, name := range c.LockAlone {
		fmt.Fprintf(w, "%s is vouched for by the lock alone\n", name)
	}
	reach := "the chain reaches every package of the archives"
	if n := len(c.LockAlone); n > 0 {
		reach = "the chain reaches all packages of the archives but " + fmt.Sprint(n)
	}
	fmt.Fprintln(w, "every blob has its digest, and "+reach)
}
