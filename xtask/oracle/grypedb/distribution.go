package main

import (
	"bufio"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

// advisoryOf names a publisher's advisory, as a fix has it.
type advisoryOf struct {
	ID   string `json:"ID"`
	Link string `json:"Link"`
}

type vendorAdvisory struct {
	AdvisorySummary []advisoryOf `json:"AdvisorySummary"`
	NoAdvisory      bool         `json:"NoAdvisory"`
}

// minorFix is a fix of one minor release.
type minorFix struct {
	Advisory string   `json:"Advisory"`
	Version  string   `json:"Version"`
	Minor    *int     `json:"Minor"`
	Channels []string `json:"Channels"`
}

// fixedIn says in which version a package is free of a flaw: "None" is in none yet, "0" is always.
type fixedIn struct {
	Module          *string        `json:"Module,omitempty"`
	Name            string         `json:"Name"`
	NamespaceName   string         `json:"NamespaceName"`
	VendorAdvisory  vendorAdvisory `json:"VendorAdvisory"`
	Version         string         `json:"Version"`
	VersionFormat   string         `json:"VersionFormat"`
	VulnerableRange string         `json:"VulnerableRange"`
	Advisories      []minorFix     `json:"Advisories,omitempty"`
}

// flaw is a flaw in a release of a distribution.
type flaw struct {
	Name          string    `json:"Name"`
	NamespaceName string    `json:"NamespaceName"`
	Description   string    `json:"Description"`
	Link          string    `json:"Link"`
	Severity      string    `json:"Severity"`
	FixedIn       []fixedIn `json:"FixedIn"`
}

// flaws gathers what a feed tells of each flaw in each release.
type flaws map[[2]string]*flaw

func (all flaws) at(namespace, name string) *flaw {
	key := [2]string{namespace, name}
	if all[key] == nil {
		all[key] = &flaw{Name: name, NamespaceName: namespace, Severity: "Unknown"}
	}
	return all[key]
}

func (all flaws) write(out sink) error {
	keys := make([][2]string, 0, len(all))
	for key := range all {
		keys = append(keys, key)
	}
	sort.Slice(keys, func(a, b int) bool {
		return keys[a][0] < keys[b][0] || keys[a][0] == keys[b][0] && keys[a][1] < keys[b][1]
	})
	for _, key := range keys {
		for _, fix := range all[key].FixedIn {
			bounds.distribution(fix.NamespaceName, fix.Name, fix.Version)
		}
		if err := out(kindOS, map[string]*flaw{"Vulnerability": all[key]}); err != nil {
			return err
		}
	}
	return nil
}

// secdb is Alpine's and Wolfi's format: fixed versions, each with the identifiers of what it fixes.
type secdb struct {
	DistroVersion string `json:"distroversion"`
	Packages      []struct {
		Pkg struct {
			Name     string              `json:"name"`
			Secfixes map[string][]string `json:"secfixes"`
		} `json:"pkg"`
	} `json:"packages"`
}

func (db secdb) write(namespace string, out sink) error {
	all := flaws{}
	for _, entry := range db.Packages {
		for version, identifiers := range entry.Pkg.Secfixes {
			seen := map[string]bool{}
			for _, id := range strings.Fields(strings.Join(identifiers, " ")) {
				if !strings.HasPrefix(id, "CVE-") || seen[id] {
					continue
				}
				seen[id] = true
				one := all.at(namespace, id)
				one.FixedIn = append(one.FixedIn, fixedIn{
					Name: entry.Pkg.Name, NamespaceName: namespace, Version: version, VersionFormat: "apk",
				})
			}
		}
	}
	for _, one := range all {
		sort.Slice(one.FixedIn, func(a, b int) bool {
			return one.FixedIn[a].Name+one.FixedIn[a].Version < one.FixedIn[b].Name+one.FixedIn[b].Version
		})
	}
	return all.write(out)
}

// readAlpine reads main and community together: one flaw may be told of in both.
func readAlpine(_ folder, path string, out sink) error {
	var both secdb
	for _, name := range []string{"main.json.zst", "community.json.zst"} {
		var one secdb
		if err := whole(filepath.Join(filepath.Dir(path), name), &one); err != nil {
			return err
		}
		both.DistroVersion = one.DistroVersion
		both.Packages = append(both.Packages, one.Packages...)
	}
	return both.write("alpine:"+strings.TrimPrefix(both.DistroVersion, "v"), out)
}

func readWolfi(_ folder, path string, out sink) error {
	var db secdb
	if err := whole(path, &db); err != nil {
		return err
	}
	return db.write("wolfi:rolling", out)
}

var debianReleases = map[string]string{
	"forky": "14", "trixie": "13", "bookworm": "12", "bullseye": "11", "buster": "10", "stretch": "9", "jessie": "8",
	"wheezy": "7", "sid": "unstable",
}

var debianSeverities = map[string]string{"unimportant": "Negligible", "low": "Low", "medium": "Medium", "high": "High"}

var severityOrder = map[string]int{"Unknown": 0, "Negligible": 1, "Low": 2, "Medium": 3, "High": 4, "Critical": 5}

func readDebian(from folder, path string, out sink) error {
	var tracker map[string]map[string]struct {
		Description string `json:"description"`
		Releases    map[string]struct {
			Status  string  `json:"status"`
			Urgency string  `json:"urgency"`
			Fixed   *string `json:"fixed_version"`
			NoDSA   *string `json:"nodsa"`
		} `json:"releases"`
	}
	if err := whole(path, &tracker); err != nil {
		return err
	}
	told, err := debianAdvisories(filepath.Join(string(from), "debian/DSA.list.zst"))
	if err != nil {
		return err
	}
	all := flaws{}
	for name, identifiers := range tracker {
		for id, entry := range identifiers {
			for release, state := range entry.Releases {
				number := debianReleases[release]
				if number == "" || state.Status == "undetermined" || !strings.HasPrefix(id, "CVE") {
					continue
				}
				one := all.at("debian:"+number, id)
				one.Description = entry.Description
				one.Link = "https://security-tracker.debian.org/tracker/" + id
				severity := debianSeverities[strings.TrimRight(state.Urgency, "*")]
				if severityOrder[severity] > severityOrder[one.Severity] {
					one.Severity = severity
				}
				fix := fixedIn{Name: name, NamespaceName: one.NamespaceName, VersionFormat: "dpkg", Version: "None"}
				if state.Fixed != nil {
					fix.Version = *state.Fixed
				}
				if fix.Version != "0" {
					fix.VendorAdvisory.AdvisorySummary = told[[3]string{release, id, name}]
					fix.VendorAdvisory.NoAdvisory = len(fix.VendorAdvisory.AdvisorySummary) == 0 && state.NoDSA != nil
				}
				one.FixedIn = append(one.FixedIn, fix)
			}
		}
	}
	for _, one := range all {
		sort.Slice(one.FixedIn, func(a, b int) bool { return one.FixedIn[a].Name < one.FixedIn[b].Name })
	}
	return all.write(out)
}

var (
	debianHead    = regexp.MustCompile(`^\[[^]]+\] (D[SL]A-\S+) `)
	debianRelease = regexp.MustCompile(`^\s+\[(\w+)\] - (\S+) `)
)

// debianAdvisories has the advisories of a release, a flaw and a package.
func debianAdvisories(path string) (map[[3]string][]advisoryOf, error) {
	file, err := open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	all := map[[3]string][]advisoryOf{}
	var id string
	var cves []string
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		line := scanner.Text()
		trimmed := strings.TrimSpace(line)
		if head := debianHead.FindStringSubmatch(line); head != nil {
			id, cves = head[1], nil
		} else if strings.HasPrefix(trimmed, "{") {
			cves = strings.Fields(strings.Trim(trimmed, "{}"))
		} else if release := debianRelease.FindStringSubmatch(line); release != nil {
			for _, cve := range cves {
				key := [3]string{release[1], cve, release[2]}
				all[key] = append(all[key], advisoryOf{id, "https://security-tracker.debian.org/tracker/" + id})
			}
		}
	}
	return all, nil
}
