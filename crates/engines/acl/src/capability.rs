use logical::Operation;

/// What a rule allows, or forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u16)]
pub enum Capability {
    /// Nothing, whatever other policies say.
    Deny = 1,
    /// Writing what is not there.
    Create = 1 << 1,
    /// Reading.
    Read = 1 << 2,
    /// Writing what is there.
    Update = 1 << 3,
    /// Deleting.
    Delete = 1 << 4,
    /// Listing.
    List = 1 << 5,
    /// Paths that need root.
    Sudo = 1 << 6,
    /// Merging into what is there.
    Patch = 1 << 7,
    /// Listing everything below.
    Scan = 1 << 8,
}

impl Capability {
    /// As `sys/capabilities` has them, without deny.
    pub(crate) const LISTED: [Self; 8] =
        [Self::Sudo, Self::Read, Self::List, Self::Update, Self::Delete, Self::Create, Self::Patch, Self::Scan];

    /// As `sys/internal/ui/resultant-acl` has them, without deny.
    pub(crate) const RESULTANT: [Self; 8] =
        [Self::Create, Self::Delete, Self::List, Self::Read, Self::Sudo, Self::Update, Self::Patch, Self::Scan];

    /// The word in policies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::List => "list",
            Self::Sudo => "sudo",
            Self::Patch => "patch",
            Self::Scan => "scan",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        std::iter::once(Self::Deny).chain(Self::LISTED).find(|capability| capability.name() == name)
    }

    /// What an operation needs.
    pub fn of(operation: Operation) -> Self {
        match operation {
            Operation::Create => Self::Create,
            Operation::Read => Self::Read,
            Operation::Update => Self::Update,
            Operation::Patch => Self::Patch,
            Operation::Delete => Self::Delete,
            Operation::List => Self::List,
            Operation::Scan => Self::Scan,
        }
    }
}

/// A set of capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities(u16);

impl Capabilities {
    /// Only deny.
    pub(crate) const DENY: Self = Self(Capability::Deny as u16);

    /// Whether it is in the set.
    pub fn has(self, capability: Capability) -> bool {
        self.0 & capability as u16 != 0
    }

    /// Whether anything is allowed.
    pub fn allow_something(self) -> bool {
        self.0 != 0 && !self.has(Capability::Deny)
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(crate) fn insert(&mut self, capability: Capability) {
        self.0 |= capability as u16;
    }

    /// The names in this order, or only `deny`.
    pub(crate) fn names(self, order: [Capability; 8]) -> Vec<&'static str> {
        if !self.allow_something() {
            return vec![Capability::Deny.name()];
        }
        order.into_iter().filter(|capability| self.has(*capability)).map(Capability::name).collect()
    }
}
