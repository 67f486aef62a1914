// The versions of what Grype itself needs are those of its own go.mod; `go build -mod=mod` in a copy of this folder adds them.
module palisade/oracle/grypedb

go 1.26

require (
	github.com/anchore/grype v0.121.2
	github.com/klauspost/compress v1.20.3
)
