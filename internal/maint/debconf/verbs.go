package debconf

import (
	"maps"
	"slices"
	"strings"
)

func (s *Session) version(args []string) Reply {
	if len(args) == 1 {
		switch major, _, _ := strings.Cut(args[0], "."); {
		case major < "2":
			return Reply{Invisible, "Version too low (" + args[0] + ")"}
		case major > "2":
			return Reply{Invisible, "Version too high (" + args[0] + ")"}
		}
	}
	return Reply{Success, "2.0"}
}

func (s *Session) capb(args []string) Reply {
	s.escape = slices.Contains(args, "escape")
	return Reply{Success, "multiselect escape"}
}

func (s *Session) input(args []string) Reply {
	if !slices.Contains(priorities(), args[0]) {
		return wrong("%q is not a valid priority", args[0])
	}
	visible := s.db.Type(args[1]) == "error" || s.reaches(args[0]) && !s.db.Seen(args[1])
	s.asked = append(s.asked, asked{args[1], s.MarkSeen && visible})
	return Reply{Invisible, "question skipped"}
}

// priorities of questions, the least first.
func priorities() []string { return []string{"low", "medium", "high", "critical"} }

// reaches reports whether a question of this priority would be asked.
func (s *Session) reaches(priority string) bool {
	least := s.Priority
	if least == "" {
		least, _ = s.db.Value("debconf/priority")
	}
	if least == "" {
		least = "high"
	}
	return slices.Index(priorities(), priority) >= slices.Index(priorities(), least)
}

// advance gives each question that was asked the value that nobody changes.
func (s *Session) advance([]string) Reply {
	for _, a := range s.asked {
		if q, ok := s.db.config[a.name]; ok {
			q.fields["value"] = s.chosen(a.name, q)
			s.db.changed = true
		}
		if a.seen {
			s.seen = append(s.seen, a.name)
		}
	}
	s.asked = nil
	return Reply{Success, "ok"}
}

// chosen is the value that debconf's noninteractive elements come up with.
func (s *Session) chosen(name string, q *item) string {
	value, _ := s.db.Value(name)
	switch s.db.Type(name) {
	case "error", "text":
		return ""
	case "select":
		choices := splitChoices(q.expand(plainChoices(s.db.templateOf(name))))
		if slices.Contains(choices, value) {
			return value
		}
		if len(choices) > 0 {
			return choices[0]
		}
		return ""
	}
	return value
}

// plainChoices are the choices untranslated: Choices-C where there is such a field.
func plainChoices(t *item) string {
	if v, ok := t.fields["choices-c"]; ok {
		return v
	}
	return t.fields["choices"]
}

// splitChoices splits at a comma and white space; a backslash makes either plain.
func splitChoices(text string) []string {
	var all []string
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && (text[i+1] == ',' || text[i+1] == ' '):
			i++
			b.WriteByte(text[i])
		case text[i] == ',' && i+1 < len(text) && isSpace(text[i+1]):
			for i+1 < len(text) && isSpace(text[i+1]) {
				i++
			}
			all = append(all, b.String())
			b.Reset()
		default:
			b.WriteByte(text[i])
		}
	}
	if b.Len() > 0 {
		all = append(all, b.String())
	}
	return all
}

func isSpace(c byte) bool { return c == '\n' || strings.IndexByte(space, c) >= 0 }

func (s *Session) clear([]string) Reply {
	s.asked = nil
	return Reply{}
}

func (s *Session) get(args []string) Reply {
	v, _ := s.db.Value(args[0])
	return s.answer(v)
}

func (s *Session) set(args []string) Reply {
	s.db.config[args[0]].fields["value"] = strings.Join(args[1:], " ")
	s.db.changed = true
	return Reply{Success, "value set"}
}

func (s *Session) reset(args []string) Reply {
	q := s.db.config[args[0]]
	q.fields["value"], q.flags["seen"] = "", "false"
	if t := s.db.templateOf(args[0]); t != nil {
		q.fields["value"] = localized(t, "default")
	}
	// A recipe's answer outlives a reset: scripts reset a question that is to be
	// asked again, and an image has nobody to ask.
	if v, ok := s.db.answers[args[0]]; ok {
		q.fields["value"] = v
	}
	s.db.changed = true
	return Reply{}
}

func (s *Session) subst(args []string) Reply {
	s.db.config[args[0]].variables[args[1]] = strings.Join(args[2:], " ")
	s.db.changed = true
	return Reply{}
}

func (s *Session) register(args []string) Reply {
	template, name := args[0], args[1]
	if s.db.config[template] == nil {
		return bad("No such template, %q", template)
	}
	s.db.newQuestion(name, s.owner, s.db.Type(template))
	s.db.setTemplate(name, template)
	return Reply{}
}

func (s *Session) unregister(args []string) Reply {
	if slices.ContainsFunc(s.asked, func(a asked) bool { return a.name == args[0] }) {
		return bad("%s is busy, cannot unregister right now", args[0])
	}
	s.db.removeOwner(args[0], s.owner)
	return Reply{}
}

func (s *Session) purge([]string) Reply {
	for _, q := range s.db.Questions() {
		s.db.removeOwner(q, s.owner)
	}
	return Reply{}
}

func (s *Session) metaget(args []string) Reply {
	q, field := s.db.config[args[0]], strings.ToLower(args[1])
	switch field {
	case "owners":
		return s.answer(strings.Join(slices.Sorted(maps.Keys(q.owners)), ", "))
	case "value":
		return s.get(args[:1])
	}
	text, ok := q.fields[field]
	if !ok {
		t := s.db.templateOf(args[0])
		if t == nil {
			return bad("%s does not exist", args[1])
		}
		text = localized(t, field)
	}
	for _, f := range []string{"description", "extended_description", "choices"} {
		if field == f || strings.HasPrefix(field, f+"-") {
			text = q.expand(text)
		}
	}
	return s.answer(text)
}

func (s *Session) fget(args []string) Reply {
	if v, ok := s.db.config[args[0]].flags[args[1]]; ok {
		return Reply{Success, v}
	}
	return Reply{Success, "false"}
}

func (s *Session) fset(args []string) Reply {
	value := strings.Join(args[2:], " ")
	if args[1] == "seen" { // what the script says outlives the end of the talk
		s.seen = slices.DeleteFunc(s.seen, func(name string) bool { return name == args[0] })
	}
	s.db.config[args[0]].flags[args[1]] = value
	s.db.changed = true
	return Reply{Success, value}
}

func (s *Session) exist(args []string) Reply {
	if s.db.config[args[0]] != nil {
		return Reply{Success, "true"}
	}
	return Reply{Success, "false"}
}

func (s *Session) data(args []string) Reply {
	name, field, value := args[0], strings.ToLower(args[1]), strings.Join(args[2:], " ")
	value = strings.NewReplacer(`\n`, "\n", `\"`, `"`, `\\`, `\`).Replace(value)
	_, there := s.db.templates[name]
	switch {
	case !there && field != "type":
		return bad("Template data field '%s' received before type field", field)
	case there && field == "type":
		return bad("Template type already set")
	case !there:
		s.db.newTemplate(name, s.owner, value)
	default:
		s.db.templates[name].fields[field] = value
		s.db.changed = true
	}
	return Reply{}
}
