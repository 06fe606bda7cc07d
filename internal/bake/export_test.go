package bake

// StoryText is what a record tells of a story.
func StoryText(s *Story, units []Unit) ([]byte, error) { return s.text(units) }
