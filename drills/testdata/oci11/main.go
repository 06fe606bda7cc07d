// Command oci11 is a registry of the OCI distribution specification 1.1, in memory, by
// CUE Labs' module: it prints its address, and serves until it is killed.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"

	"cuelabs.dev/go/oci/ociregistry/ocimem"
	"cuelabs.dev/go/oci/ociregistry/ociserver"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(l.Addr())
	log.Fatal(http.Serve(l, ociserver.New(ocimem.NewWithConfig(&ocimem.Config{}), nil)))
}
