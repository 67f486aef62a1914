use asn1::{DerError, OID, PRINTABLE_STRING, Reader, SEQUENCE, SET, UTF8_STRING, oid, sequence, tlv};

/// A distinguished name as certificates here have it. Each field is a set of values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// C.
    pub country: Vec<String>,
    /// O.
    pub organization: Vec<String>,
    /// OU.
    pub organizational_unit: Vec<String>,
    /// L.
    pub locality: Vec<String>,
    /// ST.
    pub province: Vec<String>,
    /// Street.
    pub street_address: Vec<String>,
    /// Postal code.
    pub postal_code: Vec<String>,
    /// CN.
    pub common_name: String,
    /// Serial number of the subject, not of the certificate.
    pub serial_number: String,
    /// UID (RFC 4519).
    pub user_ids: Vec<String>,
}

const COMMON_NAME: &[u64] = &[2, 5, 4, 3];
const SERIAL_NUMBER: &[u64] = &[2, 5, 4, 5];
const USER_ID: &[u64] = &[0, 9, 2342, 19_200_300, 100, 1, 1];

impl Subject {
    fn sets(&self) -> [(&'static [u64], &Vec<String>); 7] {
        [
            (&[2, 5, 4, 6], &self.country),
            (&[2, 5, 4, 10], &self.organization),
            (&[2, 5, 4, 11], &self.organizational_unit),
            (&[2, 5, 4, 7], &self.locality),
            (&[2, 5, 4, 8], &self.province),
            (&[2, 5, 4, 9], &self.street_address),
            (&[2, 5, 4, 17], &self.postal_code),
        ]
    }

    /// DER of the `Name`: in the order of the fields here, values of one kind in one set.
    pub fn to_der(&self) -> Vec<u8> {
        let mut parts = Vec::new();
        for (kind, values) in self.sets() {
            if !values.is_empty() {
                let mut attributes: Vec<Vec<u8>> = values.iter().map(|value| attribute(kind, value)).collect();
                attributes.sort();
                parts.push(tlv(SET, &attributes.concat()));
            }
        }
        for (kind, value) in [(COMMON_NAME, &self.common_name), (SERIAL_NUMBER, &self.serial_number)] {
            if !value.is_empty() {
                parts.push(tlv(SET, &attribute(kind, value)));
            }
        }
        parts.extend(self.user_ids.iter().map(|value| tlv(SET, &attribute(USER_ID, value))));
        sequence(&[&parts.concat()])
    }

    /// Reads a `Name`; what it has besides these fields is left out.
    ///
    /// # Errors
    /// Where it is no name.
    pub fn from_der(der: &[u8]) -> Result<Self, DerError> {
        let mut subject = Self::default();
        let mut names = Reader::only(der, SEQUENCE)?;
        while !names.is_empty() {
            let mut set = names.enter(SET)?;
            while !set.is_empty() {
                let mut attribute = set.enter(SEQUENCE)?;
                let kind = attribute.element(OID)?.whole;
                let value = attribute.any()?;
                attribute.end()?;
                subject.add(kind, String::from_utf8_lossy(value.content).into_owned());
            }
        }
        Ok(subject)
    }

    fn add(&mut self, kind: &[u8], value: String) {
        let known = [
            (6, &mut self.country),
            (10, &mut self.organization),
            (11, &mut self.organizational_unit),
            (7, &mut self.locality),
            (8, &mut self.province),
            (9, &mut self.street_address),
            (17, &mut self.postal_code),
        ];
        for (arc, values) in known {
            if kind == oid(&[2, 5, 4, arc]) {
                return values.push(value);
            }
        }
        if kind == oid(COMMON_NAME) {
            self.common_name = value;
        } else if kind == oid(SERIAL_NUMBER) {
            self.serial_number = value;
        } else if kind == oid(USER_ID) {
            self.user_ids.push(value);
        }
    }

    /// The name as Go prints it: the last part first, `CN=a,O=b`.
    pub fn text(&self) -> String {
        let sets = self.sets();
        let labels = ["C", "O", "OU", "L", "ST", "STREET", "POSTALCODE"];
        let mut parts: Vec<String> = Vec::new();
        for (label, (_, values)) in labels.iter().zip(sets) {
            if !values.is_empty() {
                let values: Vec<String> = values.iter().map(|value| format!("{label}={}", escape(value))).collect();
                parts.push(values.join("+"));
            }
        }
        for (label, value) in [("CN", &self.common_name), ("SERIALNUMBER", &self.serial_number)] {
            if !value.is_empty() {
                parts.push(format!("{label}={}", escape(value)));
            }
        }
        parts.reverse();
        parts.join(",")
    }
}

fn escape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for (at, letter) in value.char_indices() {
        let edge = (at == 0 && matches!(letter, ' ' | '#')) || (at + 1 == value.len() && letter == ' ');
        if edge || matches!(letter, ',' | '+' | '"' | '\\' | '<' | '>' | ';') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

fn attribute(kind: &[u64], value: &str) -> Vec<u8> {
    let printable = |byte: u8| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte);
    let tag = if value.bytes().all(printable) { PRINTABLE_STRING } else { UTF8_STRING };
    sequence(&[&oid(kind), &tlv(tag, value.as_bytes())])
}
