package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// osv is what is taken of a record in OSV's format.
type osv struct {
	ID        string   `json:"id"`
	Summary   string   `json:"summary"`
	Published string   `json:"published"`
	Modified  string   `json:"modified"`
	Withdrawn string   `json:"withdrawn"`
	Aliases   []string `json:"aliases"`
	Severity  []struct {
		Type  string `json:"type"`
		Score string `json:"score"`
	} `json:"severity"`
	Affected []struct {
		Package struct {
			Ecosystem string `json:"ecosystem"`
			Name      string `json:"name"`
		} `json:"package"`
		Ranges []struct {
			Type   string              `json:"type"`
			Events []map[string]string `json:"events"`
		} `json:"ranges"`
		Versions         []string `json:"versions"`
		DatabaseSpecific struct {
			// Where no version is fixed, what GitHub itself writes as the range.
			LastKnown string `json:"last_known_affected_version_range"`
		} `json:"database_specific"`
	} `json:"affected"`
	DatabaseSpecific struct {
		Severity string `json:"severity"`
	} `json:"database_specific"`
}

// The names of ecosystems in GitHub's advisories, as Grype's providers write them.
var ecosystems = map[string]string{
	"crates.io": "rust", "Go": "go", "Hex": "erlang", "Maven": "java", "npm": "npm", "NuGet": "nuget",
	"Packagist": "composer", "Pub": "dart", "PyPI": "python", "RubyGems": "gem", "SwiftURL": "swift",
}

var severities = map[string]string{"LOW": "Low", "MODERATE": "Medium", "HIGH": "High", "CRITICAL": "Critical"}

// languageFix is one range of affected versions, and what ends it.
type languageFix struct {
	Ecosystem  string `json:"ecosystem"`
	Identifier string `json:"identifier"`
	Name       string `json:"name"`
	Namespace  string `json:"namespace"`
	Range      string `json:"range"`
}

// readLanguage puts a record into the form of GitHub's advisories, the only one in which Grype takes language packages.
func readLanguage(line []byte, out sink) error {
	var record osv
	if err := json.Unmarshal(line, &record); err != nil {
		return err
	}
	var fixes []languageFix
	for _, affected := range record.Affected {
		ecosystem := ecosystems[affected.Package.Ecosystem]
		if ecosystem == "" {
			continue
		}
		fix := languageFix{Ecosystem: ecosystem, Name: affected.Package.Name, Namespace: "github:" + ecosystem, Identifier: "None"}
		// What is named beside ranges is in them, but for one publisher.
		named := strings.HasPrefix(record.ID, "GLAD-")
		before := len(fixes)
		for _, versions := range affected.Ranges {
			if versions.Type != "GIT" {
				fixes = append(fixes, ranges(fix, versions.Events, affected.DatabaseSpecific.LastKnown)...)
			}
		}
		if (named || len(fixes) == before) && len(affected.Versions) > 0 {
			fix.Range = "=" + strings.Join(affected.Versions, " || =")
			fixes = append(fixes, fix)
		}
	}
	if len(fixes) == 0 {
		return nil
	}
	record.named()
	record.tell(func(ecosystem, name, version string) { bounds.language(ecosystems[ecosystem], name, version) })
	advisory := map[string]any{
		"ghsaId": record.ID, "Summary": record.Summary, "Classification": "GENERAL", "FixedIn": fixes,
		"namespace": "github:" + fixes[0].Ecosystem, "url": "https://github.com/advisories/" + record.ID,
		"published": record.Published, "updated": record.Modified, "withdrawn": record.Withdrawn,
		"CVE": cves(record.Aliases),
	}
	if severity := severities[record.DatabaseSpecific.Severity]; severity != "" {
		advisory["Severity"] = severity
	}
	var scores []map[string]string
	for _, severity := range record.Severity {
		version, _, versioned := strings.Cut(strings.TrimPrefix(severity.Score, "CVSS:"), "/")
		if versioned && strings.HasPrefix(severity.Score, "CVSS:") {
			scores = append(scores, map[string]string{"vector": severity.Score, "version": version})
		}
	}
	advisory["cvss_severities"] = scores
	return out(kindGitHub, map[string]any{"Advisory": advisory})
}

// Records of Go, Bitnami and AlmaLinux go to Grype as they are.

func readGo(line []byte, out sink) error {
	return verbatim(line, out, func(_, name, version string) { bounds.language("go", name, version) })
}

func readBitnami(line []byte, out sink) error {
	return verbatim(line, out, func(_, name, version string) { bounds.add("bitnami", name, version, "") })
}

func readAlma(line []byte, out sink) error {
	return verbatim(line, out, func(ecosystem, name, version string) {
		bounds.add("rpm", "almalinux/"+name, version, "distro=almalinux-"+strings.TrimPrefix(ecosystem, "AlmaLinux:"))
	})
}

func verbatim(line []byte, out sink, each func(ecosystem, name, version string)) error {
	var record osv
	if err := json.Unmarshal(line, &record); err != nil {
		return err
	}
	record.named()
	record.tell(each)
	return out(kindOSV, json.RawMessage(line))
}

func (record osv) named() {
	if len(record.Aliases) > 0 {
		names[record.ID] = record.Aliases
	}
}

// tell names every version at which something begins or ends.
func (record osv) tell(each func(ecosystem, name, version string)) {
	for _, affected := range record.Affected {
		for _, versions := range affected.Ranges {
			for _, event := range versions.Events {
				for _, version := range event {
					if versions.Type != "GIT" {
						each(affected.Package.Ecosystem, affected.Package.Name, version)
					}
				}
			}
		}
	}
}

// ranges turns events into ranges: each beginning holds until the next end.
func ranges(fix languageFix, events []map[string]string, lastKnown string) []languageFix {
	var all []languageFix
	begin, open := "", false
	end := func(bound, fixed string) {
		one := fix
		one.Range = strings.TrimSpace(begin + bound)
		if one.Range == "" {
			one.Range = ">=0"
		}
		if fixed != "" {
			one.Identifier = fixed
		}
		all = append(all, one)
		begin, open = "", false
	}
	for _, event := range events {
		switch {
		case event["introduced"] != "":
			begin, open = "", true
			if event["introduced"] != "0" {
				begin = fmt.Sprintf(">=%s,", event["introduced"])
			}
		case event["fixed"] != "":
			end("<"+event["fixed"], event["fixed"])
		case event["last_affected"] != "":
			end("<="+event["last_affected"], "")
		}
	}
	if open {
		if lastKnown == "" {
			begin = strings.TrimSuffix(begin, ",")
		}
		end(strings.ReplaceAll(lastKnown, " ", ""), "")
	}
	return all
}

func cves(aliases []string) []string {
	all := []string{}
	for _, alias := range aliases {
		if strings.HasPrefix(alias, "CVE-") {
			all = append(all, alias)
		}
	}
	return all
}
