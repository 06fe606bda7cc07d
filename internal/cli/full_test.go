package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"kiln/internal/apt/apttest"
)

// limited is kiln with a limit on the size of every file that it writes, in
// blocks of 512 bytes: what an ordinary user can have of a disk that is full.
func (s *scene) limited(blocks int, args ...string) outcome {
	s.t.Helper()
	cmd := s.command()
	sh, err := exec.LookPath("sh")
	if err != nil {
		s.t.Fatal(err)
	}
	cmd.Path = sh
	cmd.Args = append([]string{"sh", "-c", fmt.Sprintf(`ulimit -f %d && exec kiln "$@"`, blocks), "sh"}, args...)
	return finish(s.t, cmd)
}

// At whatever size the disk gives up, kiln says so, leaves nothing half-made, and
// goes on from there when there is room.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	want := clean(t, stable())
	failed := 0
	for _, blocks := range []int{0, 1, 3, 100, 392, 395, 800} {
		s := newScene(t, apttest.New(stable()))
		s.does("lock", "web")
		before := s.snapshot()
		o := s.limited(blocks, "build", "web", "--json", "-o", "oci-archive:web.tar")
		if o.status != 0 {
			failed++
			s.expect(fmt.Sprintf("kiln build with %d blocks", blocks), o, 1, "disk full", "file too large", "try: ")
			s.unchanged("kiln build", before)
		}
		if got := s.build(); got.Index != want.Index {
			t.Errorf("index %s, want %s", got.Index, want.Index)
		}
	}
	if failed < 4 {
		t.Errorf("only %d of the limits were met", failed)
	}
}

// The same with an output alone: the store has all, and an earlier output stays.
func TestDiskFullForOutput(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	outputs := []string{"oci:out.oci", "oci-archive:out.tar", "docker-archive:out.docker", "tar:out.root", "folder:out.folder"}
	s.build()
	for _, out := range outputs {
		before := s.snapshot()
		o := s.limited(4, "build", "web", "-o", out)
		s.expect("kiln build -o "+out, o, 1, "cannot write the output", "disk full", "try: free some room there, or name a place on another disk")
		s.unchanged("kiln build -o "+out, before)
	}
	for _, out := range outputs[:4] {
		s.does("build", "web", "-o", out)
	}
	s.edit("web/kiln.yaml", "listen=:8080", "listen=:9090")
	s.build() // the new layers are in the store
	for _, out := range outputs[:4] {
		before := s.snapshot()
		o := s.limited(4, "build", "web", "-o", out)
		s.expect("kiln build -o "+out, o, 1, "disk full")
		s.unchanged("kiln build -o "+out, before)
	}
}

// A real disk that is full: a small file system in memory.
func TestDiskReallyFull(t *testing.T) {
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("needs to mount a file system: set KILN_TEST=real")
	}
	s := newScene(t, apttest.New(stable()))
	want := s.build()
	s.remove("store")
	s.remove("web.oci")
	for _, kilobytes := range []int{64, 300, 700, 1100} {
		s.onSmallDisk(kilobytes, func() {
			before := s.snapshot()
			o := s.kiln("build", "web", "--locked")
			t.Logf("figure: a store of %d kB: status %d", kilobytes, o.status)
			if o.status != 0 {
				s.expect(fmt.Sprintf("kiln build in %d kB", kilobytes), o, 1, "disk full", "no space left on device", "try: free some room")
				s.unchanged("kiln build", before)
			}
		})
	}
	if got := s.build(); got.Index != want.Index {
		t.Errorf("index %s, want %s", got.Index, want.Index)
	}
}

// onSmallDisk has the store on a disk of its own while do runs.
func (s *scene) onSmallDisk(kilobytes int, do func()) {
	s.t.Helper()
	s.write("store/x", "") // makes the folder
	run := func(args ...string) {
		if out, err := privileged(args...).CombinedOutput(); err != nil {
			s.t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	run("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dk,mode=0777", kilobytes), "tmpfs", s.path("store"))
	defer func() {
		run("umount", s.path("store"))
		s.remove("store")
	}()
	do()
}

// privileged is a command that only root may run.
func privileged(args ...string) *exec.Cmd {
	if os.Geteuid() != 0 {
		args = append([]string{"sudo", "-n"}, args...)
	}
	return exec.Command(args[0], args[1:]...)
}

// A store that cannot be written is told at once, not half way through.
func TestStoreNotWritable(t *testing.T) {
	t.Parallel()
	s := newScene(t, apttest.New(stable()))
	want := s.build()
	s.remove("web.oci")
	t.Run("a file in the way", func(t *testing.T) {
		s := s.in(t)
		s.write("file", "x")
		s.env = append(s.env, "KILN_STORE="+s.path("file/store"))
		s.refuses("build web", 1, "cannot open the store", "a file is in the way", s.path("file"), "try: move the file away, or keep the store elsewhere: KILN_STORE=FOLDER")
	})
	t.Run("a folder of something else", func(t *testing.T) {
		s := s.in(t)
		s.env = append(s.env, "KILN_STORE="+s.path("web"))
		s.refuses("build web", 1, "cannot make a store in", "the folder holds something else", "try: name a new or empty folder")
	})
	t.Run("read-only", func(t *testing.T) {
		s := s.in(t)
		s.asOrdinaryUser()
		s.chmodStore(0o555)
		defer s.chmodStore(0o755)
		s.refuses("build web", 1, "cannot open the store", "it is not writable", "try: make the folder writable, or keep the store elsewhere: KILN_STORE=FOLDER")
	})
	t.Run("folder not writable", func(t *testing.T) {
		s := s.in(t)
		s.asOrdinaryUser()
		if err := os.Mkdir(s.path("closed"), 0o555); err != nil {
			t.Fatal(err)
		}
		s.env = append(s.env, "KILN_STORE="+s.path("closed/store"))
		s.refuses("build web", 1, "cannot open the store", "it is not writable", "permission denied", "try: make the folder writable")
		s.env = append(s.env, "KILN_STORE="+s.path("store"))
		s.refuses("build web -o oci:closed/web.oci", 1, `cannot write the output "closed/web.oci"`, "permission denied", "try: name a place that is writable")
		if err := os.Chmod(s.path("web"), 0o555); err != nil {
			t.Fatal(err)
		}
		s.build()
		s.remove("web.oci")
		s.recipe(withoutBeta())
		s.refuses("lock web", 1, "cannot save the lock", "permission denied", "try: make the recipe's folder writable")
		s.refuses("build web", 1, "cannot save the lock", "permission denied")
		s.recipe(recipeText)
		if err := os.Chmod(s.path("web"), 0o755); err != nil {
			t.Fatal(err)
		}
		s.refuses("build web -o oci:missing/web.oci", 1, `cannot write the output "missing/web.oci"`, "no such file or directory", "try: mkdir -p missing")
	})
	if got := s.build(); got.Index != want.Index {
		t.Errorf("index %s, want %s", got.Index, want.Index)
	}
}

// in is the scene for a subtest.
func (s *scene) in(t *testing.T) *scene {
	return &scene{t: t, root: s.root, server: s.server, url: s.url, env: append([]string{}, s.env...)}
}

func (s *scene) chmodStore(mode os.FileMode) {
	s.t.Helper()
	for _, d := range []string{"store", "store/staging", "store/blobs/sha256", "store/results", "store/locks", "store/archives", "store/damaged"} {
		if err := os.Chmod(s.path(d), mode); err != nil {
			s.t.Fatal(err)
		}
	}
}
