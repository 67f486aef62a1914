use crate::mount::{Mount, now_or_never};
use logical::{Backend as _, Operation};
use serde_json::{Value, json};

#[test]
fn a_password_is_good_once_and_until_its_lease_ends() {
    let mount = Mount::new();
    mount.write("roles/r", json!({"key_type": "otp", "default_user": "root", "cidr_list": "10.0.0.0/8", "exclude_cidr_list": "10.9.0.0/16", "allowed_users": "ann"}));
    for (data, why) in [
        (json!({}), "Missing ip"),
        (json!({"ip": "x"}), "Invalid IP"),
        (json!({"ip": "11.0.0.1"}), "Error validating IP: IP does not belong to role"),
        (json!({"ip": "10.9.0.1"}), "Error validating IP"),
        (json!({"ip": "10.0.0.1", "username": "bob"}), "Username is not present is allowed users list"),
    ] {
        let said = mount.refuse("creds/r", data);
        assert!(said.contains(why), "{said}");
    }
    let made = mount.write("creds/r", json!({"ip": "10.0.0.1", "username": "ann"}));
    let otp = made["key"].as_str().unwrap();
    let verified = mount.write("verify", json!({"otp": otp}));
    assert_eq!(verified, json!({"username": "ann", "ip": "10.0.0.1", "role_name": "r"}));
    assert_eq!(mount.refuse("verify", json!({"otp": otp})), "OTP not found");
    assert_eq!(mount.write("verify", json!({"otp": "verify-echo-request"}))["message"], "verify-echo-response");
    let response = mount.ask(Operation::Update, "creds/r", json!({"ip": "10.0.0.2"})).unwrap();
    let otp = response.data.unwrap()["key"].clone();
    now_or_never(mount.engine.revoke(mount.context(), &response.lease.unwrap())).unwrap();
    assert_eq!(mount.refuse("verify", json!({"otp": otp})), "OTP not found");
}

#[test]
fn roles_are_shown_as_the_peer_shows_them() {
    let mount = Mount::new();
    mount.write("roles/any", json!({"key_type": "otp", "default_user": "root"}));
    let role = mount.ask(Operation::Read, "roles/any", Value::Null).unwrap().data.unwrap();
    let wanted = json!({"allowed_users": "", "cidr_list": "", "default_user": "root", "exclude_cidr_list": "", "key_type": "otp", "port": 22});
    assert_eq!(Value::Object(role), wanted);
    let listed = mount.ask(Operation::List, "roles", Value::Null).unwrap().data.unwrap();
    assert_eq!(Value::Object(listed), json!({"key_info": {"any": {"key_type": "otp"}}, "keys": ["any"]}));
    assert_eq!(mount.write("lookup", json!({"ip": "1.2.3.4"})), json!({"roles": null}));
    assert!(mount.refuse("config/zeroaddress", json!({"roles": "none"})).contains("does not exist"));
    mount.write("config/zeroaddress", json!({"roles": "any"}));
    assert_eq!(mount.write("lookup", json!({"ip": "1.2.3.4"})), json!({"roles": ["any"]}));
    mount.write("creds/any", json!({"ip": "1.2.3.4"}));
    mount.ask(Operation::Delete, "roles/any", Value::Null).unwrap();
    assert_eq!(mount.write("lookup", json!({"ip": "1.2.3.4"})), json!({"roles": null}));
}
