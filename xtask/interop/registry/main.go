// A registry that knows the referrers API, which `crane registry serve` leaves off.
package main

import (
	"log"
	"net"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	handler := registry.New(registry.WithReferrersSupport(true), registry.Logger(log.New(log.Writer(), "", 0)))
	log.Fatal(http.Serve(listener, handler))
}
