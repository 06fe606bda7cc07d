package durable

import "os"

func beginWriting(*os.File, int64, int64) {}
