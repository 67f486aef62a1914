// Makes policies and requests at random and writes what OpenBao answers, one case a line.
//
// It needs OpenBao's internal packages, so it is built inside OpenBao's source (2.7.2): put it into a folder of its
// `internal/`, and
//
//	go run ./internal/oracle 400 1 > cases.jsonl
//
// The arguments are the number of cases and the seed.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/openbao/openbao/sdk/v2/logical"
	"github.com/openbao/openbao/v2/internal/helper/identity"
	"github.com/openbao/openbao/v2/internal/helper/namespace"
	"github.com/openbao/openbao/v2/internal/vault/policy"
)

type request struct {
	Operation    string         `json:"operation"`
	Path         string         `json:"path"`
	Data         map[string]any `json:"data,omitempty"`
	Wrap         int            `json:"wrap,omitempty"`
	Allowed      bool           `json:"allowed"`
	Sudo         bool           `json:"sudo,omitempty"`
	Limit        any            `json:"limit,omitempty"`
	Capabilities []string       `json:"capabilities"`
}

type testCase struct {
	Policies []string       `json:"policies"`
	Name     string         `json:"name,omitempty"`
	Slashes  bool           `json:"slashes,omitempty"`
	Stars    bool           `json:"stars,omitempty"`
	Error    string         `json:"error,omitempty"`
	Exact    map[string]any `json:"exact,omitempty"`
	Prefixes map[string]any `json:"prefixes,omitempty"`
	Requests []request      `json:"requests,omitempty"`
}

var random *rand.Rand

func pick(words ...string) string { return words[random.Intn(len(words))] }

func chance(percent int) bool { return random.Intn(100) < percent }

func segments(words ...string) string {
	var path []string
	for range 1 + random.Intn(4) {
		path = append(path, pick(words...))
	}
	return strings.Join(path, "/")
}

func pattern() string {
	path := segments("a", "b", "ab", "a", "b", "+", "a+", "")
	if chance(5) {
		path = "{{" + pick("", " ") + pick("identity.entity.", "identity.groups.", "identity.", "time.") +
			pick("id", "name", "metadata.x", "metadata.y", "aliases.m.name", "aliases.m.metadata.x", "aliases.m.custom_metadata.x",
				"aliases.n.name", "aliases.m", "names.g.id", "ids.g1.name", "ids.g1.metadata.x", "names.h.name", "ids.g1") +
			" }}" + pick("", "/") + path
	}
	if chance(8) {
		path = "/" + path
	}
	if chance(15) {
		path += "/"
	}
	if chance(40) && (chance(2) || !strings.HasSuffix(path, "+")) {
		path += "*"
	}
	return path
}

func word(quoted string) string { return strconv.Quote(quoted) }

func list(count int, item func() string) string {
	var items []string
	for range random.Intn(count + 1) {
		items = append(items, item())
	}
	end := ""
	if len(items) > 0 && chance(20) {
		end = ","
	}
	return "[" + strings.Join(items, pick(", ", ",\n ")) + end + "]"
}

func value() string {
	return pick(`"x"`, `"y"`, `"x*"`, `"*y"`, `"*xy*"`, `"*"`, "5", "0x10", "true", `"5"`, `["x"]`, `{ k = "v" }`, "1.5")
}

func parameters() string {
	text := "{\n"
	for range random.Intn(4) {
		text += fmt.Sprintf("  %s = %s\n", pick("p", "q", `"R"`, `"*"`, `"limit"`), list(3, value))
	}
	return text + "}"
}

func ttl() string { return pick("10", `"20"`, `"30s"`, `"1m"`, `""`, "0", `"1d"`) }

func capability() string {
	if chance(1) {
		return word("reed")
	}
	if chance(5) {
		return word("deny")
	}
	return word(pick("create", "read", "update", "delete", "list", "sudo", "patch", "scan"))
}

func rule() string {
	text := fmt.Sprintf("path %s {\n", word(pattern()))
	if chance(90) {
		text += "  capabilities = " + list(5, capability) + "\n"
	}
	if chance(10) {
		text += "  policy = " + word(pick("read", "write", "sudo", "deny", "read", "write", "sudo", "deny", "read", "write", "sudo", "all")) + "\n"
	}
	for _, field := range []struct {
		percent int
		name    string
		value   func() string
	}{
		{10, "allowed_parameters", parameters},
		{10, "denied_parameters", parameters},
		{8, "required_parameters", func() string { return list(2, func() string { return word(pick("p", "Q", "limit")) }) }},
		{8, "min_wrapping_ttl", ttl},
		{8, "max_wrapping_ttl", ttl},
		{8, "pagination_limit", func() string { return pick("10", `"5"`, "0", "-1") }},
		{3, "comment", func() string { return pick(`"why"`, "<<E\nwhy\nE\n", "1") }},
		{3, "expiration", func() string {
			return word(pick("2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "1", "", "2999-01-01T00:00:00+01:00", "x"))
		}},
		{1, "unknown", func() string { return "1" }},
		{1, "capabilities", func() string { return pick(`"read"`, `[1]`, `[true]`, "{}", `{ a = 1 }`) }},
		{1, "required_parameters", func() string { return pick(`"p"`, "[[1]]") }},
		{1, "allowed_parameters", func() string {
			return pick(`"p"`, "[]", `{ p = "x" }`, `{ p = { x = 1 } }`, `{ p = [{ x = [1] }] }`, "{}")
		}},
		{1, "pagination_limit", func() string { return pick("true", `"x"`, "1.5", "010") }},
	} {
		if random.Intn(200) < field.percent {
			text += "  " + field.name + " = " + field.value() + pick("", " # c", " // c", " /* c */") + "\n"
		}
	}
	return text + "}\n"
}

func document() string {
	if chance(15) {
		return jsonDocument()
	}
	text := ""
	if chance(5) {
		text = "name = " + pick(`"n"`, "1", "n", `"n"`, `"m"`, "true") + "\n"
	}
	for range 1 + random.Intn(4) {
		text += rule()
	}
	if chance(3) {
		at := random.Intn(len(text))
		text = text[:at] + pick("", "\"", "{", "}", "[", "]", "=", ",", "$", "\\", "<<E\n", "${", "#", "-") + text[at+1:]
	}
	return text
}

// No booleans and lists in lists: the peer loses them.
func jsonRule() string {
	var fields []string
	if chance(90) {
		fields = append(fields, `"capabilities": `+strings.ReplaceAll(list(4, capability), ",]", "]"))
	}
	if chance(20) {
		value := func() string { return pick(`"x"`, `"*y"`, "5", `"5"`, `{"k": "v"}`, "1.5", `"\u0078"`) }
		parameters := fmt.Sprintf(`{%s: %s}`, pick(`"p"`, `"Q"`, `"*"`), strings.ReplaceAll(list(3, value), ",]", "]"))
		fields = append(fields, word(pick("allowed_parameters", "denied_parameters"))+": "+parameters)
	}
	if chance(10) {
		fields = append(fields, `"min_wrapping_ttl": `+pick("10", `"20"`, `"1m"`, "null"))
	}
	if chance(5) {
		fields = append(fields, `"policy": `+word(pick("read", "write", "deny")))
	}
	if chance(2) {
		fields = append(fields, pick(`"unknown": 1`, `"allowed_parameters": {"p": {"x": 1}}`, `"comment": [1, 2]`))
	}
	return "{" + strings.Join(fields, ",\n ") + "}"
}

func jsonDocument() string {
	var rules []string
	for range 1 + random.Intn(3) {
		rules = append(rules, word(pattern())+": "+jsonRule())
	}
	if chance(50) {
		return `{"path": {` + strings.Join(rules, ",\n") + "}}"
	}
	return `{"path": [{` + strings.Join(rules, "},\n{") + "}]}"
}

func requests() []request {
	var all []request
	for range 12 {
		path := segments("a", "b", "ab", "abc", "c", "")
		if chance(25) {
			path += "/"
		}
		one := request{Operation: pick("create", "read", "update", "delete", "list", "patch", "scan"), Path: path}
		if chance(30) {
			one.Wrap = random.Intn(100)
		}
		if chance(60) {
			one.Data = map[string]any{}
			for range random.Intn(3) {
				one.Data[pick("p", "q", "P", "limit", "r")] =
					[]any{"x", "y", "xy", "axyb", 5, 16, true, nil, "5", "max", "", 0, -1, 1.5, []any{"x"}}[random.Intn(15)]
			}
		}
		all = append(all, one)
	}
	return all
}

func main() {
	count, _ := strconv.Atoi(os.Args[1])
	seed, _ := strconv.ParseInt(os.Args[2], 10, 64)
	random = rand.New(rand.NewSource(seed))
	ctx := namespace.RootContext(context.Background())
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for range count {
		one := testCase{}
		var policies []*policy.Policy
		for range 1 + random.Intn(3) {
			text := document()
			one.Policies = append(one.Policies, text)
			parsed, err := parse(text)
			if err != nil {
				one.Error = err.Error()
				one.Policies = []string{text}
				break
			}
			policies = append(policies, parsed)
		}
		if one.Error == "" {
			one.resolve(policies)
			acl, err := policy.NewACL(ctx, policies)
			if err != nil {
				panic(err)
			}
			one.Exact, one.Prefixes = map[string]any{}, map[string]any{}
			acl.ExactRules().Walk(func(path string, rule any) bool { return describe(one.Exact, path, rule) })
			acl.PrefixRules().Walk(func(path string, rule any) bool { return describe(one.Prefixes, path, rule) })
			for _, asked := range requests() {
				ask(ctx, acl, &asked)
				one.Requests = append(one.Requests, asked)
			}
		}
		line, err := json.Marshal(one)
		if err != nil {
			panic(err)
		}
		out.Write(append(line, '\n'))
	}
}

// The parser panics on some texts.
func parse(text string) (parsed *policy.Policy, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v", reason)
		}
	}()
	return policy.ParseACLPolicy(namespace.RootNamespace, text)
}

// For an identity of which the name is chosen and the rest is always the same.
func (one *testCase) resolve(policies []*policy.Policy) {
	for i, parsed := range policies {
		if !parsed.Templated {
			continue
		}
		if one.Name == "" {
			one.Name = pick("a", "b", "a/b", "a*", "+", "a+b")
			one.Slashes, one.Stars = chance(30), chance(30)
		}
		var blocked []string
		if !one.Slashes {
			blocked = append(blocked, "/")
		}
		if !one.Stars {
			blocked = append(blocked, "*", "+")
		}
		metadata := map[string]string{"x": one.Name}
		entity := &identity.Entity{ID: "a", Name: one.Name, Metadata: metadata, Aliases: []*identity.Alias{
			{ID: "b", MountAccessor: "m", Name: one.Name, Metadata: metadata, CustomMetadata: metadata},
		}}
		groups := []*identity.Group{
			{ID: "g1", Name: "g", NamespaceID: "root", Metadata: metadata},
			{ID: "h1", Name: "h", NamespaceID: "other"},
		}
		resolved, err := policy.ParseACLPolicyWithTemplating(namespace.RootNamespace, parsed.Raw, true, blocked, entity, groups)
		if err != nil {
			resolved = &policy.Policy{Namespace: namespace.RootNamespace}
		}
		policies[i] = resolved
	}
}

// The rule as sys/internal/ui/resultant-acl has it, without capabilities: those are asked for.
func describe(into map[string]any, path string, rule any) bool {
	permissions := rule.(*policy.ACLPermissions)
	row := map[string]any{}
	if permissions.MinWrappingTTL != 0 {
		row["min_wrapping_ttl"] = int64(permissions.MinWrappingTTL.Seconds())
	}
	if permissions.MaxWrappingTTL != 0 {
		row["max_wrapping_ttl"] = int64(permissions.MaxWrappingTTL.Seconds())
	}
	if len(permissions.AllowedParameters) > 0 {
		row["allowed_parameters"] = permissions.AllowedParameters
	}
	if len(permissions.DeniedParameters) > 0 {
		row["denied_parameters"] = permissions.DeniedParameters
	}
	if len(permissions.RequiredParameters) > 0 {
		row["required_parameters"] = permissions.RequiredParameters
	}
	into[path] = row
	return false
}

func ask(ctx context.Context, acl *policy.ACL, one *request) {
	asked := &logical.Request{Operation: logical.Operation(one.Operation), Path: one.Path}
	before := any(nil)
	if one.Data != nil {
		asked.Data = map[string]any{}
		for key, value := range one.Data {
			asked.Data[key] = value
		}
		before = one.Data["limit"]
	}
	if one.Wrap > 0 {
		asked.WrapInfo = &logical.RequestWrapInfo{TTL: time.Duration(one.Wrap) * time.Second}
	}
	result := acl.AllowOperation(ctx, asked, false)
	one.Allowed = result.Allowed
	one.Sudo = result.Allowed && result.RootPrivs
	if after := asked.Data["limit"]; result.Allowed && fmt.Sprint(after) != fmt.Sprint(before) {
		one.Limit = after
	}
	one.Capabilities = acl.Capabilities(ctx, one.Path)
}
