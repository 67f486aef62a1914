package main

import (
	"hash/fnv"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// packages are package URLs at the bounds of what the advisories say, where two readers of them differ first.
// By list, then by the package URL without its version.
type packages map[string]map[string][]string

// The types of package URLs by GitHub's ecosystems.
var types = map[string]string{
	"composer": "composer", "dart": "pub", "erlang": "hex", "gem": "gem", "go": "golang", "java": "maven", "npm": "npm",
	"nuget": "nuget", "python": "pypi", "rust": "cargo", "swift": "swift",
}

func (p packages) language(ecosystem, name, version string) {
	if ecosystem == "java" {
		name = strings.Replace(name, ":", "/", 1)
	}
	if ecosystem == "go" && version != "" {
		// A reader of package URLs gives Go's names in lower case.
		name = strings.ToLower(name)
		version = "v" + strings.TrimPrefix(version, "v")
	}
	p.add(types[ecosystem], name, version, "")
}

// distribution takes a namespace such as `debian:12`.
func (p packages) distribution(namespace, name, version string) {
	id, release, _ := strings.Cut(namespace, ":")
	switch id {
	case "alpine", "wolfi":
		if release == "edge" || release == "rolling" {
			return
		}
		p.add("apk", id+"/"+name, version, "distro="+id+"-"+release)
	case "debian":
		p.add("deb", id+"/"+name, version, "distro="+id+"-"+release)
	case "rhel":
		epoch, rest, found := strings.Cut(version, ":")
		if !strings.Contains(release, "+") && found {
			p.add("rpm", "redhat/"+name, rest, "distro="+id+"-"+release+"&epoch="+epoch)
		}
		if !strings.Contains(release, "+") {
			// Older than any fix, and for what has none.
			p.add("rpm", "redhat/"+name, "0-0", "distro="+id+"-"+release)
		}
	}
}

func (p packages) add(kind, name, version, query string) {
	if kind == "" || version == "" || version == "0" || version == "None" || strings.ContainsAny(name+version, " ,") {
		return
	}
	parts := strings.Split(name, "/")
	for at := range parts {
		parts[at] = strings.ReplaceAll(url.PathEscape(parts[at]), "@", "%40")
	}
	// Grype takes packages that differ in nothing but the distribution for one, so each release has its own list.
	list, _, _ := strings.Cut(strings.TrimPrefix(query, "distro="), "&")
	if list == "" {
		list = "language"
	}
	purl := "pkg:" + kind + "/" + strings.Join(parts, "/")
	if p[list] == nil {
		p[list] = map[string][]string{}
	}
	end := "@" + url.QueryEscape(version)
	if query != "" {
		end += "?" + query
	}
	if !slices.Contains(p[list][purl], end) {
		p[list][purl] = append(p[list][purl], end)
	}
}

// A package has seldom more to show than three of its bounds; and this many packages of a list are enough.
const (
	maxBounds = 3
	maxNames  = 300
	// Language packages are of many ecosystems.
	maxLanguage = 1500
	// Errata of AlmaLinux name every package that was built anew.
	maxAlmaLinux = 50
)

func (p packages) write(folder string) error {
	for list, byName := range p {
		names := make([]string, 0, len(byName))
		for name := range byName {
			names = append(names, name)
		}
		// In an order that has nothing to do with the names, but is always the same.
		sort.Slice(names, func(a, b int) bool { return mixed(names[a]) < mixed(names[b]) })
		var purls []string
		limit := maxNames
		if list == "language" {
			limit = maxLanguage
		} else if strings.HasPrefix(list, "almalinux") {
			limit = maxAlmaLinux
		}
		for _, name := range names[:min(limit, len(names))] {
			ends := byName[name]
			slices.Sort(ends)
			for at := range min(maxBounds, len(ends)) {
				purls = append(purls, name+ends[at*(len(ends)-1)/max(1, min(maxBounds, len(ends))-1)])
			}
		}
		slices.Sort(purls)
		if err := os.WriteFile(filepath.Join(folder, list+".txt"), []byte(strings.Join(purls, "\n")+"\n"), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func mixed(name string) uint64 {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(name))
	return hash.Sum64()
}
