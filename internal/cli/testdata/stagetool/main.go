// Command stagetool is what the stages of tests run.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(what string, args []string) error {
	switch what {
	case "copy": // FROM TO
		b, err := os.ReadFile(args[0])
		if err != nil {
			return err
		}
		return write(args[1], b)
	case "write": // TO TEXT
		return write(args[0], []byte(args[1]))
	case "random": // TO
		b := make([]byte, 16)
		if _, err := rand.Read(b); err != nil {
			return err
		}
		return write(args[0], b)
	case "tree": // TO: a folder with a program, a link, a file that is closed to its owner
		if err := write(filepath.Join(args[0], "bin/run"), []byte("program")); err != nil {
			return err
		}
		if err := os.Chmod(filepath.Join(args[0], "bin/run"), 0o700); err != nil {
			return err
		}
		if err := os.Symlink("bin/run", filepath.Join(args[0], "link")); err != nil {
			return err
		}
		if err := write(filepath.Join(args[0], "shut/file"), []byte("shut")); err != nil {
			return err
		}
		if err := os.Chmod(filepath.Join(args[0], "shut/file"), 0); err != nil {
			return err
		}
		return os.Chmod(filepath.Join(args[0], "shut"), 0)
	case "print":
		fmt.Println(strings.Join(args, " "))
	case "hang":
		fmt.Println("hanging")
		hear := make(chan os.Signal, 1)
		signal.Notify(hear, syscall.SIGUSR1)
		<-hear
	case "fail":
		for i := range 40 {
			fmt.Println("line", i)
		}
		return fmt.Errorf("this is the end")
	case "env":
		host, _ := os.Hostname()
		return write(args[0], fmt.Appendf(nil, "%s\n%d %s\n", strings.Join(os.Environ(), "\n"), os.Getuid(), host))
	case "babble": // ID: prints the secret in all ways, a byte at a time
		for _, text := range forms(args[0]) {
			for i := range len(text) {
				os.Stdout.WriteString(text[i : i+1])
			}
			fmt.Println()
		}
	case "leak": // ID FORM TO
		return write(args[2], []byte("before "+forms(args[0])[args[1]]+" after"))
	}
	return nil
}

func write(to string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o666)
}

func forms(id string) map[string]string {
	b, err := os.ReadFile("/run/secrets/" + id)
	if err != nil {
		panic(err)
	}
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = w.Write(b)
	_ = w.Close()
	return map[string]string{
		"plain": string(b), "base64": base64.StdEncoding.EncodeToString(append([]byte("x"), b...)), "hexadecimal": hex.EncodeToString(b),
		"percent-encoded": url.QueryEscape(string(b)), "gzip": z.String(), "none": "",
	}
}
