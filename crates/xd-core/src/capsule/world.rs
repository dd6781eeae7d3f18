//! The envelope and the evidence in bytes.
//!
//! Each struct is taken apart by name: a new fact does not compile until it has its place here, and a format its version.

use std::collections::BTreeMap;

use xd_auth::Answers;

use super::wire::{DecodeError, Reader, Wire, Writer};
use crate::classify::POINTS_MAX;
use crate::evidence::{
    Antivirus, ArcResult, Correspondence, DkimResult, DkimSignature, Dmarc, DmarcPolicy, DmarcResult, HostStanding, Learned,
    Listing, SpfResult,
};
use crate::{Domain, Envelope, Evidence, Host, Known, Operator, Settings, Timestamp};

type Read<T> = Result<T, DecodeError>;

/// Writes an envelope but its forward-paths, which stand with their verdicts.
pub(super) fn write_envelope(envelope: &Envelope, out: &mut Writer) {
    let Envelope { client_address, ehlo, reverse_path, forward_paths: _, tls, authenticated_identity } = envelope;
    client_address.write(out);
    ehlo.write(out);
    reverse_path.write(out);
    tls.write(out);
    authenticated_identity.write(out);
}

pub(super) fn read_envelope(from: &mut Reader<'_>) -> Read<Envelope> {
    Ok(Envelope {
        client_address: Known::read(from)?,
        ehlo: Known::read(from)?,
        reverse_path: Known::read(from)?,
        forward_paths: Vec::new(),
        tls: Known::read(from)?,
        authenticated_identity: Known::read(from)?,
    })
}

/// Writes evidence but its settings, which stand with the recipients, and what was learned and answered, which only later versions of the
/// format have.
pub(super) fn write_evidence(evidence: &Evidence, out: &mut Writer) {
    let Evidence {
        now,
        reverse_names,
        confirmed_name,
        spf,
        dkim,
        dmarc,
        arc,
        listings,
        antivirus,
        host_standing,
        correspondence,
        learned: _,
        answers: _,
        operator: Operator { names, domains },
        settings: _,
        recipient_settings: _,
    } = evidence;
    now.write(out);
    reverse_names.write(out);
    confirmed_name.write(out);
    spf.write(out);
    dkim.write(out);
    dmarc.write(out);
    arc.write(out);
    antivirus.write(out);
    host_standing.write(out);
    correspondence.write(out);
    names.write(out);
    domains.write(out);
    out.count(listings.len());
    for (listing, answer) in listings {
        listing.zone.write(out);
        listing.item.write(out);
        answer.write(out);
    }
}

pub(super) fn read_evidence(from: &mut Reader<'_>) -> Read<Evidence> {
    Ok(Evidence {
        now: Known::read(from)?,
        reverse_names: Known::read(from)?,
        confirmed_name: Known::read(from)?,
        spf: Known::read(from)?,
        dkim: Known::read(from)?,
        dmarc: Known::read(from)?,
        arc: Known::read(from)?,
        antivirus: Known::read(from)?,
        host_standing: Known::read(from)?,
        correspondence: Known::read(from)?,
        operator: Operator { names: Wire::read(from)?, domains: Wire::read(from)? },
        learned: None,
        answers: Answers::default(),
        listings: read_listings(from)?,
        settings: Settings::default(),
        recipient_settings: BTreeMap::new(),
    })
}

fn read_listings(from: &mut Reader<'_>) -> Read<BTreeMap<Listing, Known<Vec<std::net::Ipv4Addr>>>> {
    let mut listings = BTreeMap::new();
    for _ in 0..from.count()? {
        let at = from.at();
        let listing = Listing { zone: Domain::read(from)?, item: Host::read(from)? };
        if listings.last_key_value().is_some_and(|(last, _)| *last >= listing) {
            return Reader::wrong(at, "listings are not in order");
        }
        listings.insert(listing, Known::read(from)?);
    }
    Ok(listings)
}

impl Wire for Timestamp {
    fn write(&self, out: &mut Writer) {
        out.signed(self.unix());
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        from.signed().map(Self::from_unix)
    }
}

/// Words by number. The order is that of the format, not of the types: new words are added at the end.
macro_rules! words {
    ($($type:ident [$($variant:ident),*])*) => {$(
        impl Wire for $type {
            fn write(&self, out: &mut Writer) {
                const WORDS: &[$type] = &[$($type::$variant),*];
                // Exhaustive, so that a new word does not go missing.
                match self { $($type::$variant)|* => {} }
                let number = WORDS.iter().position(|word| word == self).unwrap_or(WORDS.len());
                out.number(number as u64);
            }

            fn read(from: &mut Reader<'_>) -> Read<Self> {
                const WORDS: &[$type] = &[$($type::$variant),*];
                let at = from.at();
                let number = from.byte()?;
                WORDS.get(usize::from(number)).copied().map_or_else(|| Reader::wrong(at, "there is no such word"), Ok)
            }
        }
    )*};
}

words! {
    ArcResult [None, Pass, Fail]
    DkimResult [Pass, Fail, Neutral, PermError, Policy]
    DmarcPolicy [None, Quarantine, Reject]
    DmarcResult [None, Pass, Fail, PermError]
    SpfResult [None, Pass, Fail, SoftFail, Neutral, PermError]
}

impl Wire for DkimSignature {
    fn write(&self, out: &mut Writer) {
        let Self { result, domain } = self;
        result.write(out);
        domain.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        Ok(Self { result: Wire::read(from)?, domain: Wire::read(from)? })
    }
}

impl Wire for Dmarc {
    fn write(&self, out: &mut Writer) {
        let Self { result, policy } = self;
        result.write(out);
        policy.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        Ok(Self { result: Wire::read(from)?, policy: Wire::read(from)? })
    }
}

impl Wire for Antivirus {
    fn write(&self, out: &mut Writer) {
        match self {
            Self::Clean => out.byte(0),
            Self::Infected(name) => {
                out.byte(1);
                name.write(out);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let at = from.at();
        match from.byte()? {
            0 => Ok(Self::Clean),
            1 => String::read(from).map(Self::Infected),
            _ => Reader::wrong(at, "there is no such answer of an antivirus engine"),
        }
    }
}

impl Wire for HostStanding {
    fn write(&self, out: &mut Writer) {
        let Self { listed, good, bad } = self;
        out.byte(u8::from(*listed));
        out.number(u64::from(*good));
        out.number(u64::from(*bad));
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        Ok(Self { listed: from.flag()?, good: from.small()?, bad: from.small()? })
    }
}

impl Wire for Learned {
    fn write(&self, out: &mut Writer) {
        let Self { points, ham, spam, lessons, delta } = self;
        points.write(out);
        out.number(u64::from(*ham));
        out.number(u64::from(*spam));
        out.number(u64::from(*lessons));
        out.bytes.extend_from_slice(delta);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let at = from.at();
        let learned = Self {
            points: Wire::read(from)?,
            ham: from.small()?,
            spam: from.small()?,
            lessons: from.small()?,
            delta: from.array()?,
        };
        // No lessons say so, and verdicts are derived from it.
        if learned.points < -POINTS_MAX || learned.points > POINTS_MAX {
            return Reader::wrong(at, "what was learned gives no such points");
        }
        if learned.ham.saturating_add(learned.spam) > learned.lessons {
            return Reader::wrong(at, "more messages are like this one than were learned");
        }
        Ok(learned)
    }
}

impl Wire for Correspondence {
    fn write(&self, out: &mut Writer) {
        let Self { sent, last } = self;
        out.number(u64::from(*sent));
        last.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        Ok(Self { sent: from.small()?, last: Timestamp::read(from)? })
    }
}
