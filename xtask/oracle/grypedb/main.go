// Grypedb makes a database of Grype's own (schema v6) of a folder of advisory feeds, so that Grype can be asked about the
// same advisories as Palisade where its published database can't be had. Grype's transformers and writer do the work; the
// code here only puts the feeds into the documents that they take.
//
//	grypedb FEEDS OUT
//
// OUT gets `6/vulnerability.db`; `feeds.txt`, the files that told something, one a line; `names.json`, the
// other identifiers of flaws; and in `purls/` lists of package URLs at the bounds of what they say.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/afero"

	"github.com/anchore/grype/grype/db/data"
	"github.com/anchore/grype/grype/db/provider"
	v6 "github.com/anchore/grype/grype/db/v6"
	build "github.com/anchore/grype/grype/db/v6/build"
)

// The kinds of documents that Grype's processors take, as they tell them apart.
const (
	kindNVD    = "https://localhost/nvd/schema-1.0.0.json"
	kindOS     = "https://localhost/os/schema-1.1.0.json"
	kindOSV    = "https://localhost/osv/schema-1.0.0.json"
	kindGitHub = "https://localhost/github-security-advisory/schema-1.0.0.json"
	kindKEV    = "https://localhost/known-exploited/schema-1.0.0.json"
	kindEPSS   = "https://localhost/epss/schema-1.0.0.json"
)

// sink takes a document of a feed.
type sink func(kind string, document any) error

// feed is a file or files of a publisher, the name that Grype knows it by, and how it is read.
type feed struct {
	provider string
	pattern  string
	read     func(feeds folder, path string, out sink) error
}

// The order matters: severities of the first fill in for those that later ones lack.
var feeds = []feed{
	{"nvd", "nvd/nvd-2.0.cves.jsonl.zst", lines(readNVD)},
	{"nvd", "nvd/nvd-2.0.page.json.zst", readNVDPage},
	{"kev", "kev/known_exploited_vulnerabilities.json.zst", readKEV},
	{"epss", "epss/epss_scores-*.csv.zst", readEPSS},
	{"alpine", "alpine/*/main.json.zst", readAlpine},
	{"wolfi", "wolfi/security.derived.json.zst", readWolfi},
	{"debian", "debian/tracker.derived.json.zst", readDebian},
	{"rhel", "redhat/csaf-vex.jsonl.zst", lines(readRedHat)},
	{"alma", "almalinux/*.osv.jsonl.zst", lines(readAlma)},
	{"bitnami", "bitnami/bitnami.osv.jsonl.zst", lines(readBitnami)},
	{"govulndb", "go/govulndb.osv.jsonl.zst", lines(readGo)},
	{"github", "ghsa/*.osv.jsonl.zst", lines(readLanguage)},
	{"github", "osv-real/*.osv.jsonl.zst", lines(readLanguage)},
	{"github", "osv-derived/*.osv.jsonl.zst", lines(readLanguage)},
	{"github", "pypi/pypa.osv.jsonl.zst", lines(readLanguage)},
	{"github", "rustsec/crates-io.osv.jsonl.zst", lines(readLanguage)},
}

// These grow as the feeds are read.
var (
	bounds = packages{}
	// names has the other identifiers of a flaw.
	names = map[string][]string{}
)

func main() {
	if len(os.Args) != 3 {
		fail(errors.New("usage: grypedb FEEDS OUT"))
	}
	fail(run(folder(os.Args[1]), os.Args[2]))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "grypedb:", err)
		os.Exit(1)
	}
}

func run(from folder, out string) error {
	place := filepath.Join(out, "6")
	if err := os.MkdirAll(place, 0o755); err != nil {
		return err
	}
	// A fixed day: the database is a function of the feeds.
	day := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	states := map[string]provider.State{}
	var all provider.States
	for _, one := range feeds {
		if _, known := states[one.provider]; !known {
			states[one.provider] = provider.State{Provider: one.provider, Version: 1, Processor: "grypedb", Timestamp: day}
			all = append(all, states[one.provider])
		}
	}
	writer, err := build.NewWriter(place, all, false, 0, build.WithSQLiteCacheSizeKiB(64<<10))
	if err != nil {
		return err
	}
	processors := build.Processors(build.NewConfig(build.WithCPEParts([]string{"a", "h", "o"}), build.WithInferNVDFixVersions(true)))
	var read []string
	for _, one := range feeds {
		paths, err := filepath.Glob(filepath.Join(string(from), one.pattern))
		if err != nil {
			return err
		}
		for _, path := range paths {
			count := 0
			into := func(kind string, document any) error {
				count++
				return write(processors, writer, states[one.provider], kind, document)
			}
			opened = nil
			if err := one.read(from, path, into); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if count == 0 {
				continue
			}
			fmt.Printf("%s: %d documents\n", path, count)
			for _, file := range opened {
				name, err := filepath.Rel(string(from), file)
				if err != nil {
					return err
				}
				read = append(read, name)
			}
		}
	}
	if err := writer.Close(); err != nil {
		return err
	}
	if err := v6.Hydrater()(place); err != nil {
		return err
	}
	if _, err := v6.WriteImportMetadata(afero.NewOsFs(), place, "grypedb"); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "feeds.txt"), []byte(strings.Join(read, "\n")+"\n"), 0o644); err != nil {
		return err
	}
	text, err := json.Marshal(names)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "names.json"), text, 0o644); err != nil {
		return err
	}
	purls := filepath.Join(out, "purls")
	if err := os.MkdirAll(purls, 0o755); err != nil {
		return err
	}
	return bounds.write(purls)
}

func write(processors []data.Processor, writer data.Writer, state provider.State, kind string, document any) error {
	text, err := json.Marshal(document)
	if err != nil {
		return err
	}
	for _, processor := range processors {
		if processor.IsSupported(kind) {
			entries, err := processor.Process(bytes.NewReader(text), state)
			if err != nil {
				return err
			}
			return writer.Write(entries...)
		}
	}
	return fmt.Errorf("no processor takes %s", kind)
}
