package recipe

import "strings"

// fillDefaults writes out what the recipe leaves unsaid, so that no other room
// needs to know the defaults. What depends on other fields stays as it is: the
// mode of a file, the group of a user.
func (r *Recipe) fillDefaults() {
	for i := range r.Sources {
		r.Sources[i].fillDefaults()
	}
	for i := range r.Users {
		u := &r.Users[i]
		fill(&u.Home, "/nonexistent")
		fill(&u.Shell, "/usr/sbin/nologin")
	}
	if r.Boots() {
		fill(&r.System.Profile, Virt)
		fill(&r.System.Disk.Compression, CompressZstd)
	}
	if s := r.System.Disk.State; s != nil {
		fill(&s.Minimum, "256M")
		fill(&s.Encrypt, EncryptNone)
	}
}

func (s *Source) fillDefaults() {
	if s.Deb != "" {
		return
	}
	if s.Components == nil && !s.flat() {
		s.Components = []string{"main"}
	}
	if s.Priority == 0 {
		s.Priority = 500
	}
	if s.Archive != "" {
		s.Name = s.Archive
		if s.Pockets == nil && s.Suite != "sid" {
			s.Pockets = []string{"updates", "security"} // sid alone has none: updates go straight into it
		}
	}
}

// flat tells whether the source is an archive without dists folder and components.
func (s *Source) flat() bool { return s.URL != "" && strings.HasSuffix(s.Suite, "/") }

func fill(s *string, otherwise string) {
	if *s == "" {
		*s = otherwise
	}
}
