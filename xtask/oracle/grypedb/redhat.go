package main

import (
	"encoding/json"
	"net/url"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/anchore/grype/grype/version"
)

// csaf is what is taken of a VEX document of Red Hat's.
type csaf struct {
	Tree struct {
		Branches      []branch `json:"branches"`
		Relationships []struct {
			Name struct {
				ID string `json:"product_id"`
			} `json:"full_product_name"`
			Component string `json:"product_reference"`
			Of        string `json:"relates_to_product_reference"`
		} `json:"relationships"`
	} `json:"product_tree"`
	Vulnerabilities []struct {
		CVE     string              `json:"cve"`
		Status  map[string][]string `json:"product_status"`
		Threats []struct {
			Category string `json:"category"`
			Details  string `json:"details"`
		} `json:"threats"`
		Remediations []struct {
			Category string   `json:"category"`
			URL      string   `json:"url"`
			Products []string `json:"product_ids"`
		} `json:"remediations"`
	} `json:"vulnerabilities"`
}

type branch struct {
	Branches []branch `json:"branches"`
	Product  struct {
		ID     string `json:"product_id"`
		Helper struct {
			CPE  string `json:"cpe"`
			PURL string `json:"purl"`
		} `json:"product_identification_helper"`
	} `json:"product"`
}

// product is a component on a platform, possibly out of a module.
type product struct {
	namespace string
	name      string
	// version has an epoch; it is empty where the document speaks of every version.
	version string
	module  string
	source  bool
	minor   *int
}

type products struct {
	cpes, purls map[string]string
	relations   map[string][2]string
}

func (p *products) add(all []branch) {
	for _, one := range all {
		if one.Product.ID != "" {
			p.cpes[one.Product.ID] = one.Product.Helper.CPE
			p.purls[one.Product.ID] = one.Product.Helper.PURL
		}
		p.add(one.Branches)
	}
}

var (
	general  = regexp.MustCompile(`^cpe:/[ao]:redhat:enterprise_linux:(\d+)(?:\.\d+)?(?:::.*)?$`)
	extended = regexp.MustCompile(`^cpe:/[ao]:redhat:(?:rhel_eus|enterprise_linux_eus):(\d+\.\d+)(?:::.*)?$`)
	release  = regexp.MustCompile(`-\d+\.(\d+)\.`)
	distTag  = regexp.MustCompile(`\.el\d+_(\d+)`)
	module   = regexp.MustCompile(`^([^:]+:[^:]+)`)
)

// find follows the relationships of a product down to its platform; nothing where that is no release of RHEL.
func (p *products) find(id string) (found product, ok bool) {
	relation, ok := p.relations[id]
	if !ok {
		return found, false
	}
	component, platform := relation[0], relation[1]
	for depth := 0; depth < 4; depth++ {
		next, nested := p.relations[platform]
		if !nested {
			break
		}
		if named, isModule := strings.CutPrefix(p.purls[next[0]], "pkg:rpmmod/redhat/"); isModule {
			found.module = module.FindString(strings.Replace(named, "@", ":", 1))
		}
		platform = next[1]
	}
	cpe := p.cpes[platform]
	if match := general.FindStringSubmatch(cpe); match != nil {
		found.namespace = "rhel:" + match[1]
	} else if match := extended.FindStringSubmatch(cpe); match != nil {
		found.namespace = "rhel:" + match[1] + "+eus"
	} else {
		return found, false
	}
	purl, err := url.Parse(p.purls[component])
	if err != nil || !strings.HasPrefix(purl.Opaque, "rpm/redhat/") {
		found.name = component
		if stream, name, inModule := strings.Cut(component, "/"); inModule {
			found.module, found.name = stream, name
		}
		return found, p.purls[component] == ""
	}
	name, edition, _ := strings.Cut(strings.TrimPrefix(purl.Opaque, "rpm/redhat/"), "@")
	found.name = name
	query := purl.Query()
	found.source = query.Get("arch") == "src"
	if stream := query.Get("rpmmod"); stream != "" {
		found.module = module.FindString(stream)
	}
	if edition != "" {
		epoch := query.Get("epoch")
		if epoch == "" {
			epoch = "0"
		}
		if edition, err = url.PathUnescape(edition); err != nil {
			return found, false
		}
		found.version = epoch + ":" + edition
	}
	found.minor = minorOf(platform, found.version)
	return found, true
}

// minorOf is the minor release that the platform or else the build names.
func minorOf(platform, build string) *int {
	match := release.FindStringSubmatch(platform)
	if match == nil {
		match = distTag.FindStringSubmatch(build)
	}
	if match == nil {
		return nil
	}
	minor, err := strconv.Atoi(match[1])
	if err != nil {
		return nil
	}
	return &minor
}

var redHatSeverities = map[string]string{"critical": "Critical", "important": "High", "moderate": "Medium", "low": "Low"}

// readRedHat tells of source packages, as Red Hat's own API does, which Grype's provider asks.
func readRedHat(line []byte, out sink) error {
	var document csaf
	if err := json.Unmarshal(line, &document); err != nil {
		return err
	}
	known := products{map[string]string{}, map[string]string{}, map[string][2]string{}}
	known.add(document.Tree.Branches)
	for _, relation := range document.Tree.Relationships {
		known.relations[relation.Name.ID] = [2]string{relation.Component, relation.Of}
	}
	all := flaws{}
	for _, one := range document.Vulnerabilities {
		advisories, refused := map[string]string{}, map[string]bool{}
		for _, remediation := range one.Remediations {
			for _, id := range remediation.Products {
				switch remediation.Category {
				case "vendor_fix":
					advisories[id] = remediation.URL[strings.LastIndex(remediation.URL, "/")+1:]
				case "no_fix_planned":
					refused[id] = true
				}
			}
		}
		states := map[[3]string]*fixedIn{}
		unfixed := func(status, version string) {
			for _, id := range one.Status[status] {
				if found, ok := known.find(id); ok && found.version == "" {
					fix := found.fix(version)
					fix.VendorAdvisory.NoAdvisory = refused[id]
					states[found.key()] = &fix
				}
			}
		}
		unfixed("known_not_affected", "0")
		unfixed("known_affected", "None")
		for key, builds := range known.fixes(one.Status["fixed"], advisories) {
			// What is still affected outweighs a fix of a part.
			if states[key] == nil {
				fix := streams(builds)
				states[key] = &fix
			}
		}
		for _, fix := range states {
			flaw := all.at(fix.NamespaceName, one.CVE)
			flaw.Link = "https://access.redhat.com/security/cve/" + one.CVE
			for _, threat := range one.Threats {
				if severity := redHatSeverities[strings.ToLower(threat.Details)]; threat.Category == "impact" && severity != "" {
					flaw.Severity = severity
				}
			}
			flaw.FixedIn = append(flaw.FixedIn, *fix)
		}
	}
	for _, one := range all {
		sort.Slice(one.FixedIn, func(a, b int) bool {
			return one.FixedIn[a].Name+*one.FixedIn[a].Module < one.FixedIn[b].Name+*one.FixedIn[b].Module
		})
	}
	return all.write(out)
}

func (p product) key() [3]string {
	return [3]string{p.namespace, p.name, p.module}
}

func (p product) fix(version string) fixedIn {
	stream := p.module
	return fixedIn{Module: &stream, Name: p.name, NamespaceName: p.namespace, Version: version, VersionFormat: "rpm"}
}

// shipped is a source package that has the fix, and the advisory that brought it.
type shipped struct {
	product
	advisory string
}

func (p *products) fixes(ids []string, advisories map[string]string) map[[3]string][]shipped {
	all := map[[3]string][]shipped{}
	for _, id := range ids {
		found, ok := p.find(id)
		if !ok || !found.source {
			continue
		}
		known := false
		for _, other := range all[found.key()] {
			known = known || other.version == found.version
		}
		if !known {
			all[found.key()] = append(all[found.key()], shipped{found, advisories[id]})
		}
	}
	return all
}

// streams makes one entry of all builds of a package: ranges where upstream versions differ, minor releases where only
// the build does.
func streams(builds []shipped) fixedIn {
	sort.SliceStable(builds, func(a, b int) bool {
		order, err := version.New(builds[a].version, version.RpmFormat).Compare(version.New(builds[b].version, version.RpmFormat))
		return err == nil && order < 0
	})
	highest := map[string]shipped{}
	var bases []string
	for _, one := range builds {
		base := upstream(one.version)
		if _, known := highest[base]; !known {
			bases = append(bases, base)
		}
		highest[base] = one
	}
	newest := builds[len(builds)-1]
	fix := newest.fix(newest.version)
	tell := func(id string) {
		for _, told := range fix.VendorAdvisory.AdvisorySummary {
			if told.ID == id {
				return
			}
		}
		if id != "" {
			advisory := advisoryOf{id, "https://access.redhat.com/errata/" + id}
			fix.VendorAdvisory.AdvisorySummary = append(fix.VendorAdvisory.AdvisorySummary, advisory)
		}
	}
	tell(newest.advisory)
	if len(bases) > 1 {
		parts := []string{"< " + highest[bases[0]].version}
		for _, base := range bases[1:] {
			parts = append(parts, ">= "+base+", < "+highest[base].version)
		}
		fix.VulnerableRange = strings.Join(parts, " || ")
		for at := len(builds) - 1; at >= 0; at-- {
			tell(builds[at].advisory)
		}
	}
	if len(builds) > 1 {
		for at := len(builds) - 1; at >= 0; at-- {
			one := builds[at]
			fix.Advisories = append(fix.Advisories, minorFix{one.advisory, one.version, one.minor, []string{}})
		}
	}
	return fix
}

func upstream(edition string) string {
	base, _, _ := strings.Cut(edition, "-")
	return base
}
