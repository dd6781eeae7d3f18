//! Names of header fields: the common ones by number, as programs spell them.

use crate::capsule::wire::{DecodeError, Reader, Writer};

/// Names at their numbers, from 1. The order is that of the format: a new name goes to the end, an old one stays.
#[rustfmt::skip]
const NAMES: &[&str] = &[
    "Received", "From", "To", "Subject", "Date", "Message-ID", "Message-Id", "MIME-Version", "Mime-Version", "Content-Type",
    "Content-Transfer-Encoding", "Return-Path", "Delivered-To", "Reply-To", "Sender", "Cc", "CC", "References", "In-Reply-To",
    "X-Mailer", "User-Agent", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Subscribe", "List-Archive",
    "List-Post", "List-Help", "List-ID", "Precedence", "DKIM-Signature", "Authentication-Results", "Received-SPF",
    "ARC-Seal", "ARC-Message-Signature", "ARC-Authentication-Results", "X-Priority", "X-MSMail-Priority", "Importance",
    "X-MimeOLE", "Content-Disposition", "Content-Language", "Thread-Topic", "Thread-Index", "Errors-To", "X-Originating-IP",
    "X-BeenThere", "X-Mailman-Version", "X-Original-To", "Auto-Submitted", "Feedback-ID", "X-Spam-Status", "X-Spam-Level",
    "X-Spam-Checker-Version", "X-Received", "X-Google-DKIM-Signature", "X-Gm-Message-State", "X-Google-Smtp-Source",
    "Organization", "Bcc", "Priority", "X-Sender", "X-Loop", "Resent-From", "Resent-Date", "Resent-To", "Resent-Message-ID",
    "Disposition-Notification-To", "Content-Description", "Content-ID", "Lines", "Status", "X-Report-Abuse", "X-CSA-Complaints",
    "X-Virus-Scanned", "X-Accept-Language", "X-Authentication-Warning", "X-UIDL", "X-Face", "X-Status", "X-Keywords",
];

pub(super) fn write(name: &str, out: &mut Writer) {
    match NAMES.iter().position(|known| *known == name) {
        Some(index) => out.number(index as u64 + 1),
        None => {
            out.byte(0);
            out.text(name);
        }
    }
}

pub(super) fn read(from: &mut Reader<'_>) -> Result<String, DecodeError> {
    let at = from.at();
    match from.number()? {
        0 => match from.text()? {
            name if NAMES.contains(&name) => Reader::wrong(at, "a common name of a field is written out"),
            name => Ok(name.to_owned()),
        },
        number => match usize::try_from(number - 1).ok().and_then(|index| NAMES.get(index)) {
            Some(name) => Ok((*name).to_owned()),
            None => Reader::wrong(at, "there is no such name of a field"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_come_back() {
        for (index, name) in NAMES.iter().enumerate() {
            assert!(!NAMES[..index].contains(name), "{name}");
        }
        for name in ["Received", "received", "X-Other", ""] {
            let mut out = Writer::default();
            write(name, &mut out);
            assert_eq!(read(&mut Reader::new(&out.bytes)).as_deref(), Ok(name));
        }
        assert!(read(&mut Reader::new(b"\x00\x02To")).is_err());
    }
}
