package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"kiln"
)

func (a *app) storeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "store",
		Short: "Look at the store, check it, or free room in it",
		Long: `The store is the folder that holds every input and every derived piece, by
digest. It is safe to delete: the next build fetches and makes again what it needs.`,
		Args: cobra.ArbitraryArgs,
		RunE: helpOrUnknown,
	}
	cmd.AddCommand(a.storeStatCommand(), a.storeVerifyCommand(), a.storeGCCommand())
	return cmd
}

func (a *app) storeStatCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "stat",
		Short:             "Print where the store is and how much it holds",
		Args:              atMost(0),
		ValidArgsFunction: words(),
		RunE: func(*cobra.Command, []string) error {
			st, err := a.openStore()
			if err != nil {
				return err
			}
			defer st.Close()
			s, err := st.Stat()
			if err != nil {
				return err
			}
			return a.ui.result(s, func(w io.Writer) {
				fmt.Fprintf(w, "%s: %d blobs, %s; %d results\n", s.Dir, s.Blobs, size(s.Bytes), s.Results)
			})
		},
	}
}

func (a *app) storeVerifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "verify",
		Short:             "Check every object against its digest; set damaged ones aside",
		Args:              atMost(0),
		ValidArgsFunction: words(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			st, err := a.openStore()
			if err != nil {
				return err
			}
			defer st.Close()
			a.ui.record(false)
			report, err := st.Verify(cmd.Context(), a.ui.sink)
			if err != nil {
				return err
			}
			if err := a.ui.result(report, func(w io.Writer) {
				fmt.Fprintf(w, "%d objects, %s checked, %d damaged\n", report.Checked, size(report.Bytes), len(report.Damaged))
				for _, d := range report.Damaged {
					fmt.Fprintf(w, "  %s\n", d)
				}
			}); err != nil || len(report.Damaged) == 0 {
				return err
			}
			return &kiln.Error{
				Code:  kiln.Refused,
				Text:  fmt.Sprintf("%d objects of the store were damaged and have been set aside", len(report.Damaged)),
				Hints: []string{"build again: what is missing is fetched or made anew"},
			}
		},
	}
}

func (a *app) storeGCCommand() *cobra.Command {
	var days int
	cmd := &cobra.Command{
		Use:   "gc",
		Short: "Remove what no build has used for a while",
		Example: `  kiln store gc
  kiln store gc --unused-for 0    # everything`,
		Args:              atMost(0),
		ValidArgsFunction: words(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if days < 0 {
				return &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("--unused-for takes a number of days, got %d", days), Hints: []string{"kiln store gc --unused-for 30"}}
			}
			st, err := a.openStore()
			if err != nil {
				return err
			}
			defer st.Close()
			report, err := st.GC(cmd.Context(), time.Duration(days)*24*time.Hour, a.world.Now())
			if err != nil {
				return err
			}
			return a.ui.result(report, func(w io.Writer) {
				fmt.Fprintf(w, "removed %d objects, freed %s\n", report.Removed, size(report.Freed))
			})
		},
	}
	cmd.Flags().IntVar(&days, "unused-for", 30, "remove what no build has used for so many `DAYS`")
	complete(cmd, "unused-for", words())
	return cmd
}
