// The peer's own client against a server that is not initialized yet: OPENBAO ADDRESS [POSTGRESQL].
package main

import (
	"context"
	"crypto/x509"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/openbao/openbao/api/v2"
)

var ctx = context.Background()

// A part of the test, with a client that has the root token.
type part struct {
	name string
	run  func(client *api.Client) error
}

var parts = []part{
	{"token", token},
	{"userpass", byPassword},
	{"approle", byRole},
	{"renewal", renewal},
	{"wrapping", wrapping},
	{"list", list},
	{"kv", versions},
	{"transit", transit},
	{"pki", certificates},
	{"database", credentials},
	{"refusals", refusals},
}

func main() {
	client, err := open(os.Args[1])
	if err != nil {
		fail("start", err)
	}
	for _, part := range parts {
		own, err := client.Clone()
		if err != nil {
			fail(part.name, err)
		}
		own.SetToken(client.Token())
		if err := part.run(own); err != nil {
			fail(part.name, err)
		}
	}
}

func fail(name string, err error) {
	fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
	os.Exit(1)
}

// Initializes and unseals the server, and mounts what the parts need.
func open(address string) (*api.Client, error) {
	config := api.DefaultConfig()
	config.Address = address
	client, err := api.NewClient(config)
	if err != nil {
		return nil, err
	}
	made, err := client.Sys().Init(&api.InitRequest{SecretShares: 3, SecretThreshold: 2})
	if err != nil {
		return nil, err
	}
	for _, key := range made.KeysB64[1:] {
		if _, err := client.Sys().Unseal(key); err != nil {
			return nil, err
		}
	}
	status, err := client.Sys().SealStatus()
	if err != nil {
		return nil, err
	}
	if status.Sealed || status.N != 3 || status.T != 2 {
		return nil, fmt.Errorf("not unsealed: %+v", status)
	}
	health, err := client.Sys().Health()
	if err != nil {
		return nil, err
	}
	if !health.Initialized || health.Sealed || health.Standby {
		return nil, fmt.Errorf("not healthy: %+v", health)
	}
	client.SetToken(made.RootToken)
	for path, kind := range map[string]string{"secret": "kv-v2", "kv": "kv", "transit": "transit", "pki": "pki", "database": "database"} {
		if err := client.Sys().Mount(path, &api.MountInput{Type: kind}); err != nil {
			return nil, err
		}
	}
	for _, method := range []string{"userpass", "approle"} {
		if err := client.Sys().EnableAuthWithOptions(method, &api.EnableAuthOptions{Type: method}); err != nil {
			return nil, err
		}
	}
	policy := `path "secret/data/team/*" { capabilities = ["create", "update", "read"] }`
	return client, client.Sys().PutPolicy("team", policy)
}

func token(client *api.Client) error {
	made, err := client.Auth().Token().Create(&api.TokenCreateRequest{
		Policies: []string{"team"}, TTL: "1h", Metadata: map[string]string{"for": "test"},
	})
	if err != nil {
		return err
	}
	root := client.Token()
	client.SetToken(made.Auth.ClientToken)
	self, err := client.Auth().Token().LookupSelf()
	if err != nil {
		return err
	}
	policies, err := self.TokenPolicies()
	if err != nil {
		return err
	}
	lifetime, err := self.TokenTTL()
	if err != nil {
		return err
	}
	metadata, err := self.TokenMetadata()
	if err != nil {
		return err
	}
	if !slices.Equal(policies, []string{"default", "team"}) || lifetime > time.Hour || lifetime < 59*time.Minute || metadata["for"] != "test" {
		return fmt.Errorf("%v %v %v", policies, lifetime, metadata)
	}
	capabilities, err := client.Sys().CapabilitiesSelf("secret/data/team/a")
	if err != nil {
		return err
	}
	if !slices.Equal(capabilities, []string{"create", "read", "update"}) {
		return fmt.Errorf("capabilities %v", capabilities)
	}
	if err := client.Auth().Token().RevokeSelf(""); err != nil {
		return err
	}
	if _, err := client.Auth().Token().LookupSelf(); status(err) != http.StatusForbidden {
		return fmt.Errorf("a revoked token: %v", err)
	}
	client.SetToken(root)
	if _, err := client.Auth().Token().LookupAccessor(made.Auth.Accessor); status(err) != http.StatusBadRequest {
		return fmt.Errorf("the accessor of a revoked token: %v", err)
	}
	return nil
}

func byPassword(client *api.Client) error {
	if _, err := client.Logical().Write("auth/userpass/users/ann", map[string]any{"password": "correct horse", "token_policies": "team"}); err != nil {
		return err
	}
	login := func(password string) method {
		return method{"auth/userpass/login/ann", map[string]any{"password": password}}
	}
	if _, err := client.Auth().Login(ctx, login("battery")); status(err) != http.StatusBadRequest {
		return fmt.Errorf("a wrong password: %v", err)
	}
	return loggedIn(client, login("correct horse"), "userpass-ann")
}

func byRole(client *api.Client) error {
	if _, err := client.Logical().Write("auth/approle/role/app", map[string]any{"token_policies": "team", "secret_id_num_uses": 1}); err != nil {
		return err
	}
	role, err := client.Logical().Read("auth/approle/role/app/role-id")
	if err != nil {
		return err
	}
	wrapped, err := wrapper(client).Logical().Write("auth/approle/role/app/secret-id", nil)
	if err != nil {
		return err
	}
	// The secret arrives wrapped, as an orchestrator hands it over.
	secret, err := client.Logical().Unwrap(wrapped.WrapInfo.Token)
	if err != nil {
		return err
	}
	login := method{"auth/approle/login", map[string]any{"role_id": role.Data["role_id"], "secret_id": secret.Data["secret_id"]}}
	if err := loggedIn(client, login, "approle"); err != nil {
		return err
	}
	if _, err := client.Auth().Login(ctx, login); status(err) != http.StatusBadRequest {
		return fmt.Errorf("a secret of one use was taken twice: %v", err)
	}
	return nil
}

// A login, as the modules of the client's authors do it.
type method struct {
	path string
	data map[string]any
}

// Login implements api.AuthMethod.
func (m method) Login(ctx context.Context, client *api.Client) (*api.Secret, error) {
	return client.Logical().WriteWithContext(ctx, m.path, m.data)
}

// Logs in, and does what the policy allows and nothing else.
func loggedIn(client *api.Client, login api.AuthMethod, name string) error {
	done, err := client.Auth().Login(ctx, login)
	if err != nil {
		return err
	}
	if client.Token() != done.Auth.ClientToken || done.Auth.EntityID == "" {
		return fmt.Errorf("%+v", done.Auth)
	}
	self, err := client.Auth().Token().LookupSelf()
	if err != nil {
		return err
	}
	if self.Data["display_name"] != name {
		return fmt.Errorf("display name %v", self.Data["display_name"])
	}
	if _, err := client.KVv2("secret").Put(ctx, "team/of", map[string]any{"who": name}); err != nil {
		return err
	}
	if _, err := client.KVv2("secret").Get(ctx, "other"); status(err) != http.StatusForbidden {
		return fmt.Errorf("a path that the policy does not have: %v", err)
	}
	return nil
}

func renewal(client *api.Client) error {
	made, err := client.Auth().Token().Create(&api.TokenCreateRequest{Policies: []string{"team"}, TTL: "2s"})
	if err != nil {
		return err
	}
	client.SetToken(made.Auth.ClientToken)
	watcher, err := client.NewLifetimeWatcher(&api.LifetimeWatcherInput{Secret: made, Increment: 2})
	if err != nil {
		return err
	}
	go watcher.Start()
	defer watcher.Stop()
	late := time.After(15 * time.Second)
	for renewed := 0; renewed < 3; renewed++ {
		select {
		case one := <-watcher.RenewCh():
			if one.Secret.Auth.LeaseDuration != 2 {
				return fmt.Errorf("renewed for %d s", one.Secret.Auth.LeaseDuration)
			}
		case err := <-watcher.DoneCh():
			return fmt.Errorf("ended after %d renewals: %v", renewed, err)
		case <-late:
			return fmt.Errorf("no end after %d renewals", renewed)
		}
	}
	// Longer than it was given at first.
	_, err = client.Auth().Token().LookupSelf()
	return err
}

// A client whose answers come wrapped.
func wrapper(client *api.Client) *api.Client {
	wrapping, _ := client.Clone()
	wrapping.SetToken(client.Token())
	wrapping.SetWrappingLookupFunc(func(string, string) string { return "60s" })
	return wrapping
}

func wrapping(client *api.Client) error {
	if _, err := client.KVv2("secret").Put(ctx, "wrapped", map[string]any{"a": "b"}); err != nil {
		return err
	}
	made, err := wrapper(client).Logical().Read("secret/data/wrapped")
	if err != nil {
		return err
	}
	if made.WrapInfo == nil || made.WrapInfo.TTL != 60 || made.WrapInfo.CreationPath != "secret/data/wrapped" || made.Data != nil {
		return fmt.Errorf("%+v", made)
	}
	// Without a token of one's own, as whoever is handed it.
	client.ClearToken()
	opened, err := client.Logical().Unwrap(made.WrapInfo.Token)
	if err != nil {
		return err
	}
	if opened.Data["data"].(map[string]any)["a"] != "b" {
		return fmt.Errorf("%+v", opened.Data)
	}
	if _, err := client.Logical().Unwrap(made.WrapInfo.Token); err == nil {
		return errors.New("unwrapped twice")
	}
	return nil
}

func list(client *api.Client) error {
	for _, name := range []string{"a", "b", "folder/c"} {
		if err := client.KVv1("kv").Put(ctx, name, map[string]any{"name": name}); err != nil {
			return err
		}
	}
	for path, expected := range map[string]string{"kv": `["a","b","folder/"]`, "kv/folder": `["c"]`} {
		found, err := client.Logical().List(path)
		if err != nil {
			return err
		}
		keys, err := json.Marshal(found.Data["keys"])
		if err != nil || string(keys) != expected {
			return fmt.Errorf("%s has %s, %v", path, keys, err)
		}
	}
	for _, name := range []string{"pages/a", "pages/b", "pages/c"} {
		if _, err := client.KVv2("secret").Put(ctx, name, map[string]any{"name": name}); err != nil {
			return err
		}
	}
	page, err := client.Logical().ListPage("secret/metadata/pages", "a", 1)
	if err != nil {
		return err
	}
	if keys := page.Data["keys"].([]any); len(keys) != 1 || keys[0] != "b" {
		return fmt.Errorf("a page of %v", keys)
	}
	if none, err := client.Logical().List("kv/nothing"); none != nil || err != nil {
		return fmt.Errorf("%v, %v of an empty folder", none, err)
	}
	return nil
}

func versions(client *api.Client) error {
	kv := client.KVv2("secret")
	first, err := kv.Put(ctx, "versions", map[string]any{"a": "1"}, api.WithCheckAndSet(0))
	if err != nil {
		return err
	}
	if _, err := kv.Put(ctx, "versions", map[string]any{"a": "lost"}, api.WithCheckAndSet(0)); status(err) != http.StatusBadRequest {
		return fmt.Errorf("an old version was written over: %v", err)
	}
	if _, err := kv.Patch(ctx, "versions", map[string]any{"b": "2"}); err != nil {
		return err
	}
	both, err := kv.Get(ctx, "versions")
	if err != nil {
		return err
	}
	if first.VersionMetadata.Version != 1 || both.VersionMetadata.Version != 2 || both.Data["a"] != "1" || both.Data["b"] != "2" {
		return fmt.Errorf("%+v", both)
	}
	if err := kv.DeleteVersions(ctx, "versions", []int{1}); err != nil {
		return err
	}
	if _, err := kv.Rollback(ctx, "versions", 1); err == nil {
		return errors.New("back to a deleted version")
	}
	if err := kv.Undelete(ctx, "versions", []int{1}); err != nil {
		return err
	}
	if _, err := kv.Rollback(ctx, "versions", 1); err != nil {
		return err
	}
	all, err := kv.GetVersionsAsList(ctx, "versions")
	if err != nil || len(all) != 3 {
		return fmt.Errorf("%v, %v", all, err)
	}
	return kv.DeleteMetadata(ctx, "versions")
}

func transit(client *api.Client) error {
	plain := base64.StdEncoding.EncodeToString([]byte("a canary"))
	if _, err := client.Logical().Write("transit/keys/own", nil); err != nil {
		return err
	}
	sealed, err := client.Logical().Write("transit/encrypt/own", map[string]any{"plaintext": plain})
	if err != nil {
		return err
	}
	if _, err := client.Logical().Write("transit/keys/own/rotate", nil); err != nil {
		return err
	}
	newer, err := client.Logical().Write("transit/rewrap/own", map[string]any{"ciphertext": sealed.Data["ciphertext"]})
	if err != nil {
		return err
	}
	if newer.Data["key_version"] != json.Number("2") {
		return fmt.Errorf("%+v", newer.Data)
	}
	for _, text := range []any{sealed.Data["ciphertext"], newer.Data["ciphertext"]} {
		opened, err := client.Logical().Write("transit/decrypt/own", map[string]any{"ciphertext": text})
		if err != nil {
			return err
		}
		if opened.Data["plaintext"] != plain {
			return fmt.Errorf("%+v", opened.Data)
		}
	}
	return nil
}

func certificates(client *api.Client) error {
	root, err := client.Logical().Write("pki/root/generate/internal", map[string]any{"common_name": "Test Root", "key_type": "ec"})
	if err != nil {
		return err
	}
	if _, err := client.Logical().Write("pki/roles/web", map[string]any{"allowed_domains": "example.org", "allow_subdomains": true, "key_type": "ec", "max_ttl": "1h"}); err != nil {
		return err
	}
	issued, err := client.Logical().Write("pki/issue/web", map[string]any{"common_name": "www.example.org"})
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(root.Data["certificate"].(string))) {
		return errors.New("the root is no certificate")
	}
	block, _ := pem.Decode([]byte(issued.Data["certificate"].(string)))
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "www.example.org"}); err != nil {
		return err
	}
	if _, err := client.Logical().Write("pki/revoke", map[string]any{"serial_number": issued.Data["serial_number"]}); err != nil {
		return err
	}
	answer, err := client.Logical().ReadRaw("pki/crl")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	encoded, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	list, err := x509.ParseRevocationList(encoded)
	if err != nil {
		return err
	}
	revoked := list.RevokedCertificateEntries
	if len(revoked) != 1 || revoked[0].SerialNumber.Cmp(leaf.SerialNumber) != 0 {
		return fmt.Errorf("revoked: %v", revoked)
	}
	if _, err := client.Logical().Write("pki/issue/web", map[string]any{"common_name": "www.example.com"}); status(err) != http.StatusBadRequest {
		return fmt.Errorf("a certificate for another domain: %v", err)
	}
	return nil
}

// A credential works, and no longer when its lease is revoked.
func credentials(client *api.Client) error {
	if len(os.Args) < 3 {
		return nil
	}
	address, err := url.Parse(os.Args[2])
	if err != nil {
		return err
	}
	if _, err := client.Logical().Write("database/config/main", map[string]any{
		"plugin_name": "postgresql-database-plugin", "connection_url": address.String(), "allowed_roles": "reader",
	}); err != nil {
		return err
	}
	if _, err := client.Logical().Write("database/roles/reader", map[string]any{
		"db_name": "main", "default_ttl": "1h", "max_ttl": "2h",
		"creation_statements": `CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';`,
	}); err != nil {
		return err
	}
	made, err := client.Logical().Read("database/creds/reader")
	if err != nil {
		return err
	}
	address.User = url.UserPassword(made.Data["username"].(string), made.Data["password"].(string))
	if who, err := user(address.String()); err != nil || who != made.Data["username"] {
		return fmt.Errorf("logged in as %q: %v", who, err)
	}
	renewed, err := client.Sys().Renew(made.LeaseID, 600)
	if err != nil || renewed.LeaseDuration != 600 {
		return fmt.Errorf("renewed: %+v, %v", renewed, err)
	}
	if err := client.Sys().Revoke(made.LeaseID); err != nil {
		return err
	}
	if who, err := user(address.String()); err == nil {
		return fmt.Errorf("still logged in as %q", who)
	}
	return nil
}

func user(address string) (string, error) {
	database, err := sql.Open("pgx", address)
	if err != nil {
		return "", err
	}
	defer database.Close()
	var name string
	return name, database.QueryRow("SELECT current_user").Scan(&name)
}

// Errors arrive as the client expects them.
func refusals(client *api.Client) error {
	if none, err := client.Logical().Read("kv/nothing"); none != nil || err != nil {
		return fmt.Errorf("%v, %v", none, err)
	}
	if _, err := client.KVv2("secret").Get(ctx, "nothing"); !errors.Is(err, api.ErrSecretNotFound) {
		return fmt.Errorf("nothing was found: %v", err)
	}
	if _, err := client.Logical().Write("nowhere/a", nil); status(err) != http.StatusNotFound {
		return fmt.Errorf("no mount: %v", err)
	}
	if err := client.Sys().Mount("secret", &api.MountInput{Type: "kv"}); status(err) != http.StatusBadRequest {
		return fmt.Errorf("a mount over another: %v", err)
	}
	client.SetToken("hvs.nobody")
	if _, err := client.Logical().Read("secret/data/a"); status(err) != http.StatusForbidden {
		return fmt.Errorf("a token that is none: %v", err)
	}
	return nil
}

// Of an answer that was an error.
func status(err error) int {
	var answer *api.ResponseError
	if errors.As(err, &answer) {
		return answer.StatusCode
	}
	return 0
}
