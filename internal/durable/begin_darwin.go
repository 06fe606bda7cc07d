package durable

import "os"

func beginWriting(*os.File, int64, int64) {}

func direct(*os.File, bool) bool { return false }
