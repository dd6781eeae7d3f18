//! How a message hangs together: who it says it is from, where answers go, where links lead, which names it uses for itself.
//!
//! What makes fraud visible without having seen it before is not its words but that these do not belong together.

use super::links::{name_form, registered};
use super::{Family, Gather};
use crate::{Host, Mailbox, Message, View};

/// Words of a display name that are compared.
const NAME_WORDS: usize = 8;

pub(super) fn gather(message: &Message<'_>, to: &mut impl Gather) {
    let Some(from) = message.from().first() else { return to.shape(Family::Relations, "from nobody", "") };
    sender(message, from, to);
    name(from, to);
    links(message, from, to);
}

fn sender(message: &Message<'_>, from: &Mailbox, to: &mut impl Gather) {
    let family = Family::Relations;
    let local = from.local_part();
    to.shape(family, "local part", local_form(local));
    let Some(domain) = &from.domain else { return to.shape(family, "from without a domain", "") };
    to.shape(family, "from under", domain.suffix());
    to.shape(family, "from name", name_form(domain.name()));
    to.size(family, "from labels", domain.as_str().split('.').count());
    let same = |mailbox: &Mailbox| mailbox.domain.as_ref().is_some_and(|other| other.registered() == domain.registered());
    match message.reply_to().first() {
        None => {}
        Some(reply_to) if reply_to.address.eq_ignore_ascii_case(&from.address) => {
            to.shape(family, "answers", "to the same address");
        }
        Some(reply_to) if same(reply_to) => to.shape(family, "answers", "to the same domain"),
        Some(_) => to.shape(family, "answers", "to another domain"),
    }
    let id = message.header().first("message-id").map(|field| field.decoded());
    if let Some(host) = id.and_then(|id| id.trim().trim_end_matches('>').rsplit_once('@')).map(|(_, host)| host) {
        let same = crate::Domain::parse(host).is_ok_and(|host| host.registered() == domain.registered());
        to.shape(family, "message id", if same { "of the same domain" } else { "of another domain" });
    }
    let signed = |domain: &str| {
        message.header().all("dkim-signature").take(4).any(|field| {
            let tags = field.decoded().split(';').filter_map(|tag| tag.trim().split_once('='));
            tags.filter(|(name, _)| name.trim() == "d")
                .any(|(_, value)| crate::Domain::parse(value.trim()).is_ok_and(|by| by.registered() == domain))
        })
    };
    if message.header().first("dkim-signature").is_some() {
        to.shape(family, "signed", if signed(domain.registered()) { "by the same domain" } else { "by another domain" });
    }
    let addressed = message.to().first().and_then(|first| first.domain.as_ref());
    to.fact(family, "from the domain it goes to", addressed.is_some_and(|first| first.registered() == domain.registered()));
}

/// A display name against the address that it stands before.
fn name(from: &Mailbox, to: &mut impl Gather) {
    let family = Family::Relations;
    if from.name.is_empty() {
        return to.shape(family, "display name", "none");
    }
    let name = crate::normalize(&from.name);
    to.fact(family, "display name with an address", name.contains('@'));
    to.fact(family, "display name outside ascii", !from.name.is_ascii());
    to.fact(
        family,
        "display name in capitals",
        from.name.chars().any(char::is_uppercase) && !from.name.chars().any(char::is_lowercase),
    );
    to.fact(family, "display name with signs", from.name.contains(['!', '*', '$', '%', '#', '|', '~', '+', '™', '®']));
    to.size(family, "display name words", name.split_whitespace().count());
    let local: String = from.local_part().to_lowercase();
    let domain = from.domain.as_ref().map(|domain| domain.as_str()).unwrap_or_default();
    let squeezed: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
    let (mut in_local, mut in_domain, mut words) = (0, 0, 0);
    for word in name.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() >= 3).take(NAME_WORDS) {
        words += 1;
        in_local += usize::from(local.contains(word));
        in_domain += usize::from(domain.contains(word));
    }
    let of_domain = from
        .domain
        .as_ref()
        .is_some_and(|domain| squeezed.len() >= 4 && (domain.name().contains(&*squeezed) || squeezed.contains(domain.name())));
    let relation = match (in_local > 0, in_domain > 0 || of_domain) {
        (true, true) => "of local part and domain",
        (true, false) => "of the local part",
        (false, true) => "of the domain",
        (false, false) if words == 0 => "without words",
        (false, false) => "of neither",
    };
    to.shape(family, "display name", relation);
    let role = role(&name);
    if let Some(role) = role {
        to.shape(family, "role", role);
        to.shape(family, "role and name", &format!("{role} {relation}"));
    }
}

/// Which office a display name claims, in the languages that most fraud is written in.
fn role(name: &str) -> Option<&'static str> {
    const ROLES: [(&str, &[&str]); 5] = [
        (
            "support",
            &[
                "support",
                "service",
                "help",
                "helpdesk",
                "soporte",
                "suporte",
                "kundenservice",
                "kundendienst",
                "assistance",
                "atendimento",
                "servicio",
                "客服",
                "サポート",
            ],
        ),
        (
            "security",
            &[
                "security",
                "seguridad",
                "segurança",
                "sicherheit",
                "sécurité",
                "fraud",
                "alert",
                "verify",
                "verification",
                "protect",
                "安全",
                "セキュリティ",
            ],
        ),
        (
            "account",
            &[
                "account",
                "accounts",
                "billing",
                "payment",
                "payments",
                "invoice",
                "cuenta",
                "conta",
                "konto",
                "rechnung",
                "compte",
                "facturation",
                "pagos",
                "fatura",
            ],
        ),
        (
            "staff",
            &[
                "admin",
                "administrator",
                "team",
                "department",
                "office",
                "hr",
                "ceo",
                "director",
                "manager",
                "equipe",
                "equipo",
                "mailer",
                "postmaster",
                "notification",
                "notifications",
                "noreply",
            ],
        ),
        ("prize", &["winner", "reward", "rewards", "gift", "bonus", "lottery", "prize", "promo", "deals", "offer", "offers"]),
    ];
    let mut words = name.split(|c: char| !c.is_alphanumeric());
    words.find_map(|word| ROLES.iter().find(|(_, words)| words.contains(&word)).map(|(role, _)| *role))
}

/// Links against the address that a message is from and the names it uses.
fn links(message: &Message<'_>, from: &Mailbox, to: &mut impl Gather) {
    let family = Family::Relations;
    let own = from.domain.as_ref().map(|domain| domain.registered());
    let links: Vec<_> = message.links().iter().filter(|link| link.is_followable()).take(200).collect();
    let hosts: Vec<&str> = links.iter().filter_map(|link| registered(link)).collect();
    let numeric = links.iter().any(|link| matches!(link.host, Some(Host::Address(_))));
    if hosts.is_empty() && !numeric {
        return to.shape(family, "links", if links.is_empty() { "none" } else { "mail only" });
    }
    let ours = hosts.iter().filter(|host| Some(**host) == own).count();
    let relation = match ours {
        0 => "all to others",
        ours if ours == hosts.len() => "all to its own",
        _ => "some to its own",
    };
    to.shape(family, "links", relation);
    to.share(family, "links to its own", ours as u64, hosts.len() as u64);
    let name = crate::normalize(&from.name);
    let subject = crate::normalize(message.subject().unwrap_or_default());
    let text = message.view(View::Html).normal();
    let text = if text.is_empty() { message.view(View::Plain).normal() } else { text };
    let beginning = text.get(..text.floor_char_boundary(8_192.min(text.len()))).unwrap_or_default();
    let mut distinct = hosts;
    distinct.sort_unstable();
    distinct.dedup();
    let mut named = 0;
    for host in distinct.iter().take(20) {
        let label = host.split('.').next().unwrap_or_default();
        let is_named = label.len() >= 4 && (name.contains(label) || subject.contains(label) || beginning.contains(label));
        named += usize::from(is_named);
    }
    let relation = match (named, distinct.len()) {
        (0, 1) => "the only one not named",
        (0, _) => "none named",
        (named, all) if named == all => "all named",
        _ => "some named",
    };
    to.shape(family, "hosts of links", relation);
    if let Some(label) = own.and_then(|own| own.split('.').next()).filter(|label| label.len() >= 4) {
        to.fact(family, "text names the domain it is from", beginning.contains(label) || subject.contains(label));
    }
    let role = role(&name).unwrap_or("none");
    to.shape(family, "role and links", &format!("{role} {}", if ours > 0 { "own" } else { "other" }));
    let only = links.len() == 1;
    to.fact(family, "one link", only);
    to.fact(family, "one link elsewhere", only && ours == 0);
}

/// How a local part looks.
fn local_form(local: &str) -> &'static str {
    let lower = local.to_ascii_lowercase();
    let digits = local.bytes().filter(u8::is_ascii_digit).count();
    const NO_REPLY: [&str; 6] = ["noreply", "no-reply", "no_reply", "donotreply", "do-not-reply", "do_not_reply"];
    if NO_REPLY.iter().any(|text| lower.contains(text)) {
        return "no reply";
    }
    if matches!(
        &*lower,
        "info"
            | "support"
            | "service"
            | "admin"
            | "contact"
            | "sales"
            | "office"
            | "mail"
            | "news"
            | "newsletter"
            | "hello"
            | "billing"
            | "help"
            | "security"
            | "team"
            | "alert"
            | "alerts"
            | "notification"
            | "notifications"
            | "account"
            | "webmaster"
            | "postmaster"
            | "root"
    ) {
        return "role";
    }
    if lower.contains('=') || lower.contains('+') {
        return "tagged";
    }
    match (name_form(&lower), digits, lower.contains('.'), local.len()) {
        (_, 5.., _, _) => "many digits",
        (_, 1.., _, _) => "digits",
        ("hard to pronounce", ..) => "hard to pronounce",
        (_, _, true, _) => "dotted",
        (_, _, _, 20..) => "long",
        _ => "plain",
    }
}
