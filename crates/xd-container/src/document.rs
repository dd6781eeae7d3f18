//! Which documents, pages and small files are opened, and by what.

use crate::name::{self, Kind};
#[cfg(feature = "qr")]
use crate::picture;
use crate::{Budget, Opened, letters, media_type, office, page, pdf, plain, rtf};

/// What reads a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reader {
    Calendar,
    Letters,
    /// A message, which whoever walks the tree reads.
    Message,
    Mso,
    Order,
    Page,
    Pdf,
    Rtf,
    #[cfg(feature = "qr")]
    Picture,
    Script,
    Sylk,
    Table,
}

/// Whether [`open`] reads such files.
pub(crate) fn opens(media_type: Option<&str>, name: &str) -> bool {
    reader(media_type, name).is_some()
}

/// Reads a document. None when it is none.
pub(crate) fn open<'a>(bytes: &'a [u8], media_type: Option<&str>, name: &str, budget: &mut Budget) -> Option<Opened<'a>> {
    Some(match reader(media_type, name)? {
        Reader::Calendar => plain::open_calendar(bytes, budget),
        Reader::Letters => letters::open(bytes, budget),
        Reader::Message => {
            let mut opened = Opened::new();
            opened.media_type = media_type::begins_as_message(bytes).then_some("message/rfc822");
            opened
        }
        Reader::Mso => plain::open_mso(bytes, budget),
        Reader::Order => plain::open_order(bytes, budget),
        Reader::Page => page::open(bytes, budget),
        Reader::Pdf => pdf::open(bytes, budget),
        Reader::Rtf => rtf::open(bytes, budget),
        #[cfg(feature = "qr")]
        Reader::Picture => return picture::open(bytes, media_type?, budget),
        Reader::Script => page::open_script(bytes, budget),
        Reader::Sylk => office::open_sylk(bytes, budget),
        Reader::Table => office::open_csv(bytes, budget),
    })
}

fn reader(media_type: Option<&str>, name: &str) -> Option<Reader> {
    Some(match media_type {
        #[cfg(feature = "qr")]
        Some(media_type) if picture::opens(media_type) => Reader::Picture,
        Some("application/pdf") => Reader::Pdf,
        Some("application/rtf") => Reader::Rtf,
        Some("text/html" | "image/svg+xml" | "application/hta") => Reader::Page,
        Some("message/rfc822") => Reader::Message,
        Some("text/calendar" | "text/vcard") => Reader::Calendar,
        Some("application/internet-shortcut" | "application/x-desktop") => Reader::Order,
        Some("application/x-mso") => Reader::Mso,
        Some("application/x-sylk") => Reader::Sylk,
        Some("text/x-script" | "text/x-encoded-script") => Reader::Script,
        // Nothing is shown by the first bytes of plain text: what opens it goes by its name.
        None | Some("text/xml") => {
            if name::is_message(name) {
                return Some(Reader::Message);
            }
            let ending = name::ending(name)?;
            match (&*ending, name::kind(&ending)?) {
                ("html" | "htm" | "xhtml" | "shtml" | "shtm" | "xht" | "svg" | "hta", _) => Reader::Page,
                ("csv" | "prn", _) => Reader::Table,
                ("slk" | "sylk", _) => Reader::Sylk,
                ("ics" | "ical" | "vcs" | "vcf" | "vcard", _) => Reader::Calendar,
                ("url" | "website" | "desktop" | "scf" | "iqy", _) => Reader::Order,
                ("uu" | "uue" | "hqx" | "bhx", _) => Reader::Letters,
                (_, Kind::Script) => Reader::Script,
                _ => return None,
            }
        }
        _ => return None,
    })
}
