use crate::names::{glob, other_names, to_dns};
use crate::role::Role;
use crate::store::{SigningIssuer, Urls};
use certificates::{AltName, Certificate, CertificateRequest, Extension, Subject, Template, extension};
use jiff::{SignedDuration, Timestamp};
use logical::{Error, Fields, Network, format_duration};
use std::net::IpAddr;
use std::time::Duration;

/// What a certificate is made for.
pub(crate) struct Order<'a> {
    pub(crate) role: &'a Role,
    pub(crate) fields: Fields<'a>,
    pub(crate) request: Option<&'a CertificateRequest>,
    /// Who signs; none for a root.
    pub(crate) signer: Option<&'a SigningIssuer>,
    /// What is done where it would outlive its issuer.
    pub(crate) not_after_behavior: &'a str,
    pub(crate) display_name: &'a str,
    /// The mount's default and greatest lifetime.
    pub(crate) lifetimes: (Duration, Duration),
    pub(crate) now: Timestamp,
}

/// What was found to be allowed.
pub(crate) struct Params {
    pub(crate) subject: Subject,
    pub(crate) names: Vec<AltName>,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) key_id: Option<Vec<u8>>,
    pub(crate) warnings: Vec<String>,
}

impl Order<'_> {
    /// Checks everything that is asked for against the role.
    pub(crate) fn check(&self) -> Result<Params, Error> {
        let mut warnings = Vec::new();
        let (common_name, serial_number, mut names) = self.names()?;
        let mut subject = Subject {
            common_name,
            serial_number,
            country: unique(&self.role.country),
            organization: unique(&self.role.organization),
            organizational_unit: unique(&self.role.ou),
            locality: unique(&self.role.locality),
            province: unique(&self.role.province),
            street_address: unique(&self.role.street_address),
            postal_code: unique(&self.role.postal_code),
            user_ids: Vec::new(),
        };
        names.extend(self.addresses()?.into_iter().map(AltName::Ip));
        names.extend(self.uris()?.into_iter().map(AltName::Uri));
        names.extend(self.others()?);
        let mut user_ids = self.fields.list("user_ids")?.unwrap_or_default();
        if let (true, Some(request)) = (user_ids.is_empty(), self.request) {
            user_ids = request.subject_name().map_err(unreadable)?.user_ids;
        }
        for id in user_ids {
            let allowed = |known: &String| known.eq_ignore_ascii_case(&id) || known.contains('*') && glob(known, &id);
            if !self.role.allowed_user_ids.iter().any(allowed) {
                return Err(Error::invalid(format!("user_id {id} is not allowed by this role")));
            }
            subject.user_ids.push(id);
        }
        let not_before = self.not_before()?;
        let not_after = self.not_after(&mut warnings)?;
        if not_after <= not_before {
            return Err(Error::invalid("the certificate would end before it begins"));
        }
        let key_id = match self.fields.text("skid")?.filter(|text| !text.is_empty()) {
            Some(text) => {
                let digits: String = text.chars().filter(|letter| !matches!(letter, ':' | '-' | ' ')).collect();
                let parsed = crate::serial::from_hex(&digits);
                Some(parsed.ok_or_else(|| Error::invalid("cannot parse requested SKID value as hex"))?)
            }
            None => None,
        };
        Ok(Params { subject, names, not_before, not_after, key_id, warnings })
    }

    /// The request, where its names count.
    fn request_names(&self) -> Result<Option<Vec<AltName>>, Error> {
        let request = self.request.filter(|_| self.role.use_csr_sans);
        request.map(|request| request.alternative_names().map_err(unreadable)).transpose()
    }

    fn names(&self) -> Result<(String, String, Vec<AltName>), Error> {
        let subject = self.request.map(|request| request.subject_name().map_err(unreadable)).transpose()?;
        let asked = subject.as_ref().filter(|_| self.role.use_csr_common_name);
        let mut common_name = asked.map(|subject| subject.common_name.clone()).unwrap_or_default();
        if common_name.is_empty() {
            common_name = self.fields.text("common_name")?.unwrap_or_default();
        }
        if common_name.is_empty() && self.role.require_cn {
            return Err(Error::invalid(
                r#"the common_name field is required, or must be provided in a CSR with "use_csr_common_name" set to true, unless "require_cn" is set to false"#,
            ));
        }
        let mut serial_number = self.fields.text("serial_number")?.unwrap_or_default();
        if let (true, Some(subject)) = (serial_number.is_empty(), &subject) {
            serial_number.clone_from(&subject.serial_number);
        }
        let (mut hosts, mut emails): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        let from_request = self.request_names()?;
        for name in from_request.iter().flatten() {
            match name {
                AltName::Dns(name) => hosts.push(name.clone()),
                AltName::Email(name) => emails.push(name.clone()),
                _ => {}
            }
        }
        let mut given = Vec::new();
        if !common_name.is_empty() && !self.fields.boolean("exclude_cn_from_sans")?.unwrap_or(false) {
            given.push(common_name.clone());
        }
        if from_request.is_none() {
            given.extend(self.fields.list("alt_names")?.unwrap_or_default());
        }
        for name in given {
            if name.contains('@') {
                emails.push(name);
            } else {
                hosts.extend(to_dns(&name)?);
            }
        }
        if !common_name.is_empty() {
            self.role
                .allows_common_name(&common_name, self.display_name)
                .map_err(|name| Error::invalid(format!("common name {name} not allowed by this role")))?;
        }
        let allowed = |known: &String| *known == serial_number || known.contains('*') && glob(known, &serial_number);
        if !serial_number.is_empty() && !self.role.allowed_serial_numbers.iter().any(allowed) {
            return Err(Error::invalid(format!("serial_number {serial_number} not allowed by this role")));
        }
        for (names, what) in [(&hosts, "subject alternate name"), (&emails, "email address")] {
            for name in names {
                self.role
                    .allows_name(name, self.display_name)
                    .map_err(|name| Error::invalid(format!("{what} {name} not allowed by this role")))?;
            }
        }
        let hosts = unique(&hosts).into_iter().map(AltName::Dns);
        Ok((common_name, serial_number, hosts.chain(unique(&emails).into_iter().map(AltName::Email)).collect()))
    }

    fn addresses(&self) -> Result<Vec<IpAddr>, Error> {
        let (addresses, source) = match self.request_names()? {
            Some(names) => {
                let address = |name| if let AltName::Ip(address) = name { Some(address) } else { None };
                (names.into_iter().filter_map(address).collect::<Vec<_>>(), "CSR")
            }
            None => {
                let parse = |text: &String| {
                    text.parse().map_err(|_| Error::invalid(format!("the value {text:?} is not a valid IP address")))
                };
                let given = self.fields.list("ip_sans")?.unwrap_or_default();
                (given.iter().map(parse).collect::<Result<_, _>>()?, "the API")
            }
        };
        if !addresses.is_empty() && !self.role.allow_ip_sans {
            return Err(Error::invalid(format!(
                "IP Subject Alternative Names are not allowed in this role, but was provided via {source}"
            )));
        }
        let cidrs = &self.role.allowed_ip_sans_cidr;
        let outside = |address: &&IpAddr| {
            !cidrs.is_empty()
                && !cidrs.iter().any(|cidr| cidr.parse::<Network>().is_ok_and(|network| network.contains(**address)))
        };
        match addresses.iter().find(outside) {
            Some(address) => {
                Err(Error::invalid(format!("the IP address {:?} is not allowed in this role", address.to_string())))
            }
            None => Ok(addresses),
        }
    }

    fn uris(&self) -> Result<Vec<String>, Error> {
        let (uris, source) = match self.request_names()? {
            Some(names) => {
                let uri = |name| if let AltName::Uri(uri) = name { Some(uri) } else { None };
                (names.into_iter().filter_map(uri).collect::<Vec<_>>(), "CSR")
            }
            None => (self.fields.list("uri_sans")?.unwrap_or_default(), "the API"),
        };
        if uris.is_empty() {
            return Ok(uris);
        }
        if self.role.allowed_uri_sans.is_empty() {
            return Err(Error::invalid(format!(
                "URI Subject Alternative Names are not allowed in this role, but were provided via {source}"
            )));
        }
        for uri in &uris {
            if !self.role.allowed_uri_sans.iter().any(|allowed| glob(allowed, uri)) {
                return Err(Error::invalid(format!(
                    "URI Subject Alternative Names were provided via {source} which are not valid for this role"
                )));
            }
            if !uri.bytes().all(|byte| byte.is_ascii_graphic()) || !uri.contains(':') {
                return Err(Error::invalid(format!(
                    "the provided URI Subject Alternative Name {uri:?} is not a valid URI"
                )));
            }
        }
        Ok(uris)
    }

    fn others(&self) -> Result<Vec<AltName>, Error> {
        let failed = |error| Error::invalid(format!("could not parse requested other SAN: {error}"));
        let mut wanted = other_names(&self.fields.list("other_sans")?.unwrap_or_default()).map_err(failed)?;
        for name in self.request_names()?.into_iter().flatten() {
            if let AltName::Other(id, value) = name {
                wanted.entry(id).or_default().push(value);
            }
        }
        if self.role.allowed_other_sans != ["*"] {
            let allowed = other_names(&self.role.allowed_other_sans).map_err(failed)?;
            for (id, values) in &wanted {
                let Some(patterns) = allowed.get(id) else {
                    return Err(Error::invalid(format!("other SAN OID {id} not allowed by this role")));
                };
                let bad = values.iter().find(|value| !patterns.iter().any(|pattern| glob(pattern, value)));
                if let Some(bad) = bad {
                    return Err(Error::invalid(format!("other SAN {bad} not allowed for OID {id} by this role")));
                }
            }
        }
        let one = |(id, values): (String, Vec<String>)| {
            values.into_iter().map(move |value| AltName::Other(id.clone(), value))
        };
        Ok(wanted.into_iter().flat_map(one).collect())
    }

    fn not_before(&self) -> Result<Timestamp, Error> {
        let default = before(self.now, self.role.not_before_duration);
        let mut text = self.role.not_before.clone();
        if let (true, Some(given)) = (text.is_empty(), self.fields.text("not_before")?.filter(|text| !text.is_empty()))
        {
            match self.role.not_before_bound.as_str() {
                "forbid" => {
                    return Err(Error::invalid("not_before_bound is set to forbid. not_before cannot be provided."));
                }
                "duration" if parse_time(&given)? < default => {
                    return Err(Error::invalid(format!(
                        "not_before_bound is set to duration. Cannot satisfy request as it would result in notBefore of {} that is older than the allowed not_before_duration of {}",
                        given,
                        format_duration(Duration::from_secs(self.role.not_before_duration))
                    )));
                }
                _ => text = given,
            }
        }
        if text.is_empty() { Ok(default) } else { parse_time(&text) }
    }

    fn not_after(&self, warnings: &mut Vec<String>) -> Result<Timestamp, Error> {
        let bound = self.role.not_after_bound.as_str();
        let mut text = self.role.not_after.clone();
        if let (true, Some(given)) = (text.is_empty(), self.fields.text("not_after")?.filter(|text| !text.is_empty())) {
            if bound == "forbid" {
                return Err(Error::invalid("not_after_bound is set to forbid. not_after cannot be provided."));
            }
            text = given;
        }
        let mut ttl = self.fields.duration("ttl")?.unwrap_or_default();
        if !ttl.is_zero() && !text.is_empty() {
            return Err(Error::invalid(
                "Either ttl or not_after should be provided. Both should not be provided in the same request.",
            ));
        }
        let or = |length: u64, otherwise: Duration| if length > 0 { Duration::from_secs(length) } else { otherwise };
        if ttl.is_zero() {
            ttl = or(self.role.ttl, self.lifetimes.0);
        }
        let max = or(self.role.max_ttl, self.lifetimes.1);
        if ttl > max {
            warnings.push(format!(
                "TTL {:?} is longer than permitted maxTTL {:?}, so maxTTL is being used",
                format_duration(ttl),
                format_duration(max)
            ));
            ttl = max;
        }
        let by_ttl = after(self.now, ttl);
        let mut not_after = if text.is_empty() { by_ttl } else { parse_time(&text)? };
        let beyond = |limit: String| {
            Error::invalid(format!(
                "not_after_bound is set to {bound}. Cannot satisfy request as that would result in notAfter of {not_after} that is beyond the {limit}"
            ))
        };
        if bound == "ttl-limited" && not_after > by_ttl {
            return Err(beyond(format!("TTL of {}", format_duration(ttl))));
        }
        if let Some(latest) = bound.parse::<Timestamp>().ok().filter(|latest| not_after > *latest) {
            return Err(beyond(format!("maximum timestamp of {latest}")));
        }
        if let Some(signer) = self.signer {
            let end = signer.certificate.not_after();
            if not_after > end {
                match self.not_after_behavior {
                    "permit" => {}
                    "truncate" if not_after < self.now => {
                        return Err(Error::invalid(format!(
                            "cannot satisfy request, as NotAfter date {not_after} is in the past"
                        )));
                    }
                    "truncate" => not_after = end,
                    _ => {
                        return Err(Error::invalid(format!(
                            "cannot satisfy request, as TTL would result in notAfter of {not_after} that is beyond the expiration of the CA certificate at {end}"
                        )));
                    }
                }
            }
        }
        Ok(not_after)
    }
}

fn unreadable(error: impl std::fmt::Display) -> Error {
    Error::invalid(format!("certificate request could not be parsed: {error}"))
}

fn parse_time(text: &str) -> Result<Timestamp, Error> {
    // What says that a certificate never ends is beyond the last time that can be reckoned with.
    if text == "9999-12-31T23:59:59Z" {
        return Ok(Timestamp::MAX);
    }
    text.parse().map_err(|_| Error::invalid(format!("parsing time {text:?} as \"2006-01-02T15:04:05Z07:00\" failed")))
}

pub(crate) fn before(now: Timestamp, seconds: u64) -> Timestamp {
    now.saturating_sub(SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))).unwrap_or(Timestamp::MIN)
}

/// Later; certificates know no year above 9999.
pub(crate) fn after(now: Timestamp, length: Duration) -> Timestamp {
    let seconds = i64::try_from(length.as_secs()).unwrap_or(i64::MAX);
    now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

fn unique(values: &[String]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for value in values {
        if !value.is_empty() && !found.contains(value) {
            found.push(value.clone());
        }
    }
    found
}

/// What an authority's certificate has besides.
pub(crate) struct Authority {
    pub(crate) path_length: Option<u32>,
    pub(crate) permitted_dns_domains: Vec<String>,
}

/// The parts from which a certificate is put together.
pub(crate) struct Content<'a> {
    pub(crate) params: &'a Params,
    pub(crate) role: &'a Role,
    pub(crate) spki: &'a [u8],
    /// The identifiers of the key and of the issuer's.
    pub(crate) key_ids: (Vec<u8>, Vec<u8>),
    pub(crate) urls: &'a Urls,
    pub(crate) authority: Option<Authority>,
    /// Subject and extensions that are taken as they are.
    pub(crate) verbatim: Option<&'a CertificateRequest>,
}

impl Content<'_> {
    pub(crate) fn template(self) -> Result<Template, Error> {
        let Self { params, role, urls, .. } = &self;
        let invalid = |error: &dyn std::fmt::Display| Error::invalid(error.to_string());
        let subject = self.verbatim.map_or_else(|| params.subject.to_der(), |request| request.subject().to_vec());
        let mut extensions: Vec<Extension> = Vec::new();
        let usage = usage_bits(&role.key_usage);
        if usage != 0 {
            extensions.push(extension::key_usage(usage));
        }
        let extended = extended_usages(role);
        if !extended.is_empty() {
            extensions.push(extension::extended_key_usage(&extended).map_err(|error| invalid(&error))?);
        }
        match &self.authority {
            Some(authority) => extensions.push(extension::basic_constraints(true, authority.path_length)),
            None if role.basic_constraints_valid_for_non_ca => {
                extensions.push(extension::basic_constraints(false, None));
            }
            None => {}
        }
        extensions.push(extension::subject_key_id(&self.key_ids.0));
        extensions.push(extension::authority_key_id(&self.key_ids.1));
        if !urls.ocsp_servers.is_empty() || !urls.issuing_certificates.is_empty() {
            extensions.push(extension::authority_information(&urls.ocsp_servers, &urls.issuing_certificates));
        }
        if !params.names.is_empty() {
            let critical = subject.len() <= 2;
            extensions.push(extension::alternative_names(&params.names, critical).map_err(|error| invalid(&error))?);
        }
        let policies = role.policies()?;
        if !policies.is_empty() {
            extensions.push(extension::policies(&policies).map_err(|error| invalid(&error))?);
        }
        if let Some(authority) = self.authority.as_ref().filter(|authority| !authority.permitted_dns_domains.is_empty())
        {
            extensions.push(extension::permitted_dns_domains(&authority.permitted_dns_domains));
        }
        for (id, list) in [
            (extension::DISTRIBUTION_POINTS, &urls.crl_distribution_points),
            (extension::FRESHEST, &urls.delta_crl_distribution_points),
        ] {
            if !list.is_empty() {
                extensions.push(extension::distribution_points(id, list));
            }
        }
        if let Some(request) = self.verbatim {
            let own = [extension::BASIC_CONSTRAINTS, extension::AUTHORITY_KEY_ID];
            let asked = request.extensions().iter().filter(|extension| !own.contains(&extension.id.as_str()));
            let asked: Vec<Extension> = asked.cloned().collect();
            extensions.retain(|extension| !asked.iter().any(|other| other.id == extension.id));
            extensions.extend(asked);
        }
        Ok(Template {
            serial: Template::random_serial().map_err(Error::internal)?,
            subject,
            spki: self.spki.to_vec(),
            not_before: params.not_before,
            not_after: params.not_after,
            extensions,
        })
    }
}

/// The bits of key usages by their names; unknown names count for nothing.
pub(crate) fn usage_bits(names: &[String]) -> u16 {
    const NAMES: [&str; 9] = [
        "digitalsignature",
        "contentcommitment",
        "keyencipherment",
        "dataencipherment",
        "keyagreement",
        "certsign",
        "crlsign",
        "encipheronly",
        "decipheronly",
    ];
    let bit = |name: &String| NAMES.iter().position(|known| name.trim().eq_ignore_ascii_case(known));
    names.iter().filter_map(bit).fold(0, |bits, bit| bits | 1 << bit)
}

/// The identifiers of a role's extended key usages.
fn extended_usages(role: &Role) -> Vec<String> {
    const KNOWN: [(&str, &str); 12] = [
        ("any", "2.5.29.37.0"),
        ("serverauth", "1.3.6.1.5.5.7.3.1"),
        ("clientauth", "1.3.6.1.5.5.7.3.2"),
        ("codesigning", "1.3.6.1.5.5.7.3.3"),
        ("emailprotection", "1.3.6.1.5.5.7.3.4"),
        ("ipsecendsystem", "1.3.6.1.5.5.7.3.5"),
        ("ipsectunnel", "1.3.6.1.5.5.7.3.6"),
        ("ipsecuser", "1.3.6.1.5.5.7.3.7"),
        ("timestamping", "1.3.6.1.5.5.7.3.8"),
        ("ocspsigning", "1.3.6.1.5.5.7.3.9"),
        ("microsoftservergatedcrypto", "1.3.6.1.4.1.311.10.3.3"),
        ("netscapeservergatedcrypto", "2.16.840.1.113730.4.1"),
    ];
    let flags = [
        (role.server_flag, "serverauth"),
        (role.client_flag, "clientauth"),
        (role.code_signing_flag, "codesigning"),
        (role.email_protection_flag, "emailprotection"),
    ];
    let wanted = |name: &str| {
        flags.contains(&(true, name)) || role.ext_key_usage.iter().any(|given| given.trim().eq_ignore_ascii_case(name))
    };
    let known = KNOWN.iter().filter(|(name, _)| wanted(name)).map(|(_, id)| (*id).to_owned());
    known.chain(role.ext_key_usage_oids.iter().cloned()).collect()
}

/// How long a path may be below a certificate of this issuer.
pub(crate) fn path_length(issuer: &Certificate, wanted: Option<i64>) -> Result<Option<u32>, Error> {
    let above = issuer.authority().flatten();
    if above == Some(0) {
        return Err(Error::Status(
            500,
            "error signing cert: signing certificate has a max path length of zero, and cannot issue further CA certificates".to_owned(),
        ));
    }
    match wanted {
        Some(wanted) => Ok(u32::try_from(wanted).ok()),
        None => Ok(above.map(|above| above.saturating_sub(1))),
    }
}
