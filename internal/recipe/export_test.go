package recipe

// Patterns are the forms of words by definition and key, for the schema.
func Patterns() map[string]string {
	return map[string]string{
		"Recipe.name":       imageNamePattern,
		"Recipe.version":    imageVersionPattern,
		"Layer.name":        imageNamePattern,
		"Source.name":       sourceNamePattern,
		"Source.suite":      sourceSuitePattern,
		"File.path":         `^/.`,
		"File.mode":         modePattern,
		"User.name":         accountPattern,
		"User.group":        accountPattern,
		"User.home":         `^/`,
		"User.shell":        `^/.`,
		"Group.name":        accountPattern,
		"Skip.package":      packageNamePattern,
		"Answer.question":   questionPattern,
		"Kernel.package":    packageNamePattern,
		"Argument.arg":      argumentPattern,
		"Module.module":     modulePattern,
		"Disk.root":         sizePattern,
		"Disk.esp":          sizePattern,
		"State.minimum":     sizePattern,
		"Mutable.path":      `^/.`,
		"Unit.unit":         unitPattern,
		"Container.workdir": `^/`,
		"Package":           wantedNamePattern,
		"Glob":              `^/.`,
		"Accept.path":       `^/.`,
		"Exception.path":    `^/.`,
	}
}
