package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"kiln/internal/apt"
)

// mkosi is Debian 13's mkosi in a tree of its own: older machines have neither it nor
// the tools that it calls. The zero mkosi is one that cannot be had here.
type mkosi struct {
	root   string // the tree
	mirror string
}

// mkosiTools is what the tree holds besides mkosi.
const mkosiTools = "mkosi,apt,bubblewrap,cpio,cryptsetup-bin,debian-archive-keyring,dosfstools,erofs-utils,kmod,mtools,openssl," +
	"python3-pefile,systemd,systemd-boot-efi,systemd-boot-tools,systemd-container,systemd-repart,systemd-ukify,uidmap,zstd"

// newMkosi makes the tree, which is kept in the cache. That takes root and a network.
func (b *bench) newMkosi(ctx context.Context) (mkosi, error) {
	if os.Getuid() != 0 {
		fmt.Fprintln(os.Stderr, "peers: without root there is no mkosi to compare with")
		return mkosi{}, nil
	}
	mirrors, err := apt.FindMirrors(apt.MirrorOptions{Getenv: os.Getenv, Host: os.DirFS("/etc/apt")})
	if err != nil {
		return mkosi{}, err
	}
	urls, err := mirrors.Of("debian")
	if err != nil {
		return mkosi{}, err
	}
	m := mkosi{root: filepath.Join(b.options.cache, "mkosi"), mirror: urls[0]}
	if _, err := os.Stat(m.root); err == nil {
		return m, nil
	}
	half := m.root + ".half"
	if err := os.RemoveAll(half); err != nil {
		return mkosi{}, err
	}
	make := child{argv: []string{"mmdebstrap", "--variant=minbase", "--quiet", "--include=" + mkosiTools, "trixie", half, "deb " + m.mirror + " trixie main"}}
	if _, _, err := make.run(ctx); err != nil {
		return mkosi{}, err
	}
	return m, os.Rename(half, m.root)
}

// configure writes what mkosi is to make of packages.
func (m mkosi) configure(packages []string) error {
	dir := filepath.Join(m.root, "work", "image")
	if err := os.RemoveAll(filepath.Join(dir, "out")); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"mkosi.conf": "[Distribution]\nDistribution=debian\nRelease=trixie\nLocalMirror=" + m.mirror + "\n" +
			"[Output]\nFormat=disk\nImageId=peer\nImageVersion=1\nOutputDirectory=out\nSeed=9c3e3d3e-1d3c-4d8a-8b4e-6a1d2f5a2a11\n" +
			"[Build]\nPackageCacheDirectory=packages\n" +
			"[Content]\nBootable=yes\nBootloader=systemd-boot\nWithDocs=no\nWithRecommends=no\nSourceDateEpoch=1760000000\n" +
			"Packages=systemd-boot-efi\n         " + strings.Join(packages, "\n         ") + "\n",
		"mkosi.repart/00-esp.conf":    "[Partition]\nType=esp\nFormat=vfat\nCopyFiles=/boot:/\nCopyFiles=/efi:/\nSizeMinBytes=256M\n",
		"mkosi.repart/10-root.conf":   "[Partition]\nType=root\nFormat=erofs\nCompression=zstd\nCopyFiles=/\nVerity=data\nVerityMatchKey=root\nMinimize=best\n",
		"mkosi.repart/11-verity.conf": "[Partition]\nType=root-verity\nVerity=hash\nVerityMatchKey=root\nMinimize=best\n",
	} {
		if err := write(filepath.Join(dir, name), text); err != nil {
			return err
		}
	}
	return os.MkdirAll(filepath.Join(dir, "packages"), 0o777)
}

// enter makes the tree the root of a mount namespace: in a mere chroot mkosi's own
// sandbox cannot be set up.
const enter = `
mount --make-rprivate / && mount --bind "$ROOT" "$ROOT" && cd "$ROOT" && mkdir -p old proc sys dev run tmp
mount -t proc proc proc && mount --rbind /sys sys && mount --rbind /dev dev && mount -t tmpfs tmpfs run && mount -t tmpfs tmpfs tmp
cp -L /etc/resolv.conf /etc/hosts etc/ 2>/dev/null || true
pivot_root . old && umount -l /old && cd /work/image && exec "$@"`

// build makes the disk; cached is without a network.
func (m mkosi) build(cached bool) child {
	argv := []string{"unshare", "--mount", "bash", "-ec", enter, "mkosi", "mkosi", "--force"}
	if cached {
		argv = append(argv, "--cache-only=always")
	}
	return child{argv: append(argv, "build"), env: []string{"ROOT=" + m.root}}
}
