//! What a file's name promises, and how it hides what the name makes a system do.
//!
//! Which ending counts is decided as Windows decides it: case does not matter, dots and blanks at the end fall away, and so
//! does what follows a colon. Where a program may read the name differently (it stops at a NUL, it drops characters that
//! are not seen), each reading is looked at.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::{Sign, Signs};

/// What a file of some ending is, as far as names tell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Archive,
    Disc,
    Installer,
    Mail,
    Media,
    Office,
    Page,
    Pdf,
    Program,
    Script,
    Shortcut,
    /// The source of a program, or a script that is not run by opening it.
    Source,
    Text,
}

impl Kind {
    /// Whether opening such a file runs what stands in it.
    pub(crate) fn runs(self) -> bool {
        matches!(self, Self::Installer | Self::Program | Self::Script | Self::Shortcut)
    }

    /// Whether people take such a file for something to look at.
    fn is_harmless(self) -> bool {
        matches!(self, Self::Media | Self::Office | Self::Pdf | Self::Text | Self::Mail)
    }
}

/// Endings by what they are, in lower case.
const ENDINGS: &[(Kind, &str)] = &[
    (
        Kind::Program,
        "exe scr com pif cpl dll sys drv ocx xll wll efi gadget jar apk aab xap elf app out class dex so dylib jnlp air \
         application command workflow action osx bpl ax mui 386 vxd",
    ),
    (Kind::Installer, "msi msp mst msix msixbundle appx appxbundle appinstaller deb rpm pkg mpkg ipa run snap flatpak"),
    (
        Kind::Script,
        "js jse vbs vbe vb wsf wsh wsc ws hta ps1 ps1xml ps2 psc1 psc2 psd1 psm1 msh msh1 msh2 bat cmd btm sct shb shs scpt \
         applescript ahk au3 reg inf msc mshxml chm hlp its",
    ),
    (Kind::Source, "sh bash csh ksh zsh fish py pyw pyc pyz pyzw pl pm rb php phtml lua tcl awk groovy cs java mjs cjs ts"),
    (
        Kind::Shortcut,
        "lnk url website desktop webloc scf appref-ms library-ms search-ms searchconnector-ms settingcontent-ms diagcab \
         diagpkg theme themepack deskthemepack rdp mad maf mag mam maq mar mas mat mau mav maw mda mde ade adp",
    ),
    (Kind::Disc, "iso img vhd vhdx udf dmg vmdk wim esd swm ova sparseimage sparsebundle nrg mdf cue toast"),
    (
        Kind::Archive,
        "zip rar 7z tar gz tgz bz2 tbz tbz2 xz txz lzma tlz zst tzst z lz lzh lha cab ace arj alz egg zipx uue uu bhx hqx sit \
         sitx cpio xar r00 r01 001 arc zoo",
    ),
    (
        Kind::Office,
        "doc dot docx docm dotx dotm xls xlt xlm xla xlsx xlsm xltx xltm xlam xlsb xlw ppt pot pps ppa pptx pptm potx potm \
         ppsx ppsm ppam sldx sldm rtf odt ods odp odg odf ott ots otp odb odm fodt fods fodp pub vsd vsdx vsdm vss vst mdb accdb \
         accde accdr mpp one onepkg onetoc2 slk iqy oqy dqy rqy csv prn dif sylk pages numbers key wps wpd hwp hwpx xps oxps epub",
    ),
    (Kind::Page, "html htm xhtml shtml shtm xht svg svgz mht mhtml xml xsl xslt"),
    (Kind::Pdf, "pdf fdf xfdf xdp ps eps ai"),
    (
        Kind::Media,
        "jpg jpeg jpe jfif png gif bmp dib tif tiff webp heic heif avif ico cur wmf emf psd jp2 raw cr2 nef mp3 mp4 m4a m4v mov \
         avi mkv wmv wma wav ogg oga ogv opus flac aac mpg mpeg webm 3gp amr mid midi ttf otf woff woff2 swf",
    ),
    (Kind::Text, "txt text log md markdown ini cfg conf json yaml yml toml srt asc patch diff"),
    (Kind::Mail, "eml msg oft ics ical vcs vcf vcard emlx mbox p7m p7s p7c sig pgp gpg dat"),
];

/// The kind of each ending. Every name is asked several times.
static KINDS: LazyLock<BTreeMap<&str, Kind>> = LazyLock::new(|| {
    let all = ENDINGS.iter().flat_map(|(kind, endings)| endings.split_ascii_whitespace().map(move |ending| (ending, *kind)));
    // The first of two is meant.
    all.fold(BTreeMap::new(), |mut kinds, (ending, kind)| {
        kinds.entry(ending).or_insert(kind);
        kinds
    })
});

/// Blanks in a row that nobody types: what stands behind them is out of sight.
const LONG_RUN: usize = 8;

/// What the names of one file promise.
#[derive(Clone, Debug, Default)]
pub(crate) struct Promise {
    pub(crate) signs: Signs,
    /// The kinds that the readings of the names give, each once.
    pub(crate) kinds: Vec<Kind>,
    /// The endings that count, in lower case, each once.
    pub(crate) endings: Vec<String>,
}

/// Reads all names that a file has.
pub(crate) fn promise(names: &[&str]) -> Promise {
    let mut promise = Promise::default();
    for name in names {
        promise.read(name);
    }
    promise
}

/// The ending that counts, in lower case: none in `README`.
pub(crate) fn ending(name: &str) -> Option<String> {
    promise(&[name]).endings.into_iter().next()
}

/// Whether programs that go by names take a file of this name for a message, or for nothing they know.
///
/// # Example: what is forwarded here?
/// ```
/// use xd_container::may_name_message;
///
/// assert!(may_name_message("Re: your letter.eml") && may_name_message("Version 2.0"));
/// assert!(!may_name_message("invoice.zip"));
/// ```
#[must_use]
pub fn may_name_message(name: &str) -> bool {
    ending(name).is_none_or(|ending| {
        matches!(&*ending, "com" | "mht" | "mhtml" | "nws" | "txt") || kind(&ending).is_none_or(|kind| kind == Kind::Mail)
    })
}

/// Whether a file of this name may be a whole message. Word opens web archives under the names of its documents, too.
pub(crate) fn is_message(name: &str) -> bool {
    ending(name).is_some_and(|ending| {
        matches!(&*ending, "eml" | "emlx" | "mht" | "mhtml" | "mbox" | "nws" | "doc" | "dot" | "xls" | "ppt" | "rtf")
    })
}

impl Promise {
    fn read(&mut self, name: &str) {
        if leaves_its_directory(name) {
            self.signs.add(Sign::UnsafePath);
        }
        if turns_around(name) {
            self.signs.add(Sign::ReversedName);
        }
        self.read_file_name(last_component(name));
        // C programs stop at a NUL.
        if let Some((cut, rest)) = name.split_once('\0') {
            if !rest.trim_matches('\0').is_empty() {
                self.signs.add(Sign::HiddenExtension);
            }
            self.read_file_name(last_component(cut));
        }
    }

    fn read_file_name(&mut self, name: &str) {
        // `program.exe:stream` and `program.exe::$DATA` are the program itself. A colon is common in subjects that became
        // names, so that it counts only where what stands before it would run.
        if let Some((file, _)) = name.split_once(':') {
            let runs = split(file).is_some_and(|(_, ending)| kind(&ending).is_some_and(Kind::runs));
            if runs {
                self.signs.add(Sign::HiddenExtension);
                self.read_ending(file);
            }
        }
        self.read_ending(name);
    }

    fn read_ending(&mut self, name: &str) {
        let Some((stem, ending)) = split(name) else { return };
        let kind = kind(&ending);
        let runs = kind.is_some_and(Kind::runs);
        // Windows opens a file of such an ending as the class it names.
        let is_class = ending.len() == 38 && ending.starts_with('{') && ending.ends_with('}');
        if runs || is_class {
            self.signs.add(Sign::DangerousName);
        }
        if is_class || hides_ending(name, stem, &ending, runs) {
            self.signs.add(Sign::HiddenExtension);
        }
        let hides_behind_harmless = runs || matches!(kind, Some(Kind::Disc | Kind::Page)) && ending != "xml";
        if hides_behind_harmless && ends_harmlessly(stem, kind == Some(Kind::Program)) {
            self.signs.add(Sign::DoubleExtension);
        }
        if let Some(kind) = kind
            && !self.kinds.contains(&kind)
        {
            self.kinds.push(kind);
        }
        if !self.endings.contains(&ending) {
            self.endings.push(ending);
        }
    }
}

/// What this ending is, in lower case.
pub(crate) fn kind(ending: &str) -> Option<Kind> {
    KINDS.get(ending).copied()
}

/// Stem and ending of a file name, the ending without what is not seen and in lower case.
fn split(name: &str) -> Option<(&str, String)> {
    let name = name.trim_end_matches(falls_away);
    let (stem, ending) = name.rsplit_once('.')?;
    let ending: String =
        ending.chars().filter(|c| !is_unseen(*c) && !is_blank(*c)).flat_map(char::to_lowercase).take(40).collect();
    (!ending.is_empty()).then_some((stem, ending))
}

/// Whether a harmless ending stands at the end of the stem: `invoice.pdf` of `invoice.pdf.exe`. Before a program, a line
/// or blank in place of the dot is enough: `invoice_pdf.exe`.
fn ends_harmlessly(stem: &str, before_program: bool) -> bool {
    let stem = stem.trim_end_matches(|c| falls_away(c) || matches!(c, '_' | '-'));
    let Some((at, mark)) = stem.char_indices().rev().find(|(_, c)| matches!(c, '.' | '_' | '-') || is_blank(*c)) else {
        return false;
    };
    let ending: String = stem
        .get(at + mark.len_utf8()..)
        .unwrap_or_default()
        .chars()
        .filter(|c| !is_unseen(*c))
        .flat_map(char::to_lowercase)
        .collect();
    match kind(&ending) {
        Some(kind) if kind.is_harmless() => mark == '.' || before_program && !matches!(kind, Kind::Text | Kind::Mail),
        _ => false,
    }
}

/// Whether blanks, dots or characters without width keep the ending from being seen.
fn hides_ending(name: &str, stem: &str, ending: &str, runs: bool) -> bool {
    let known = kind(ending).is_some();
    let behind_ending = runs && name.ends_with(|c| falls_away(c) && !matches!(c, '"' | '\'') && !is_direction(c));
    let tail = name.get(stem.len()..).unwrap_or_default();
    // Marks of direction are ordinary around names; those that turn it have a sign of their own.
    let hides = |c: char| is_unseen(c) && !is_direction(c);
    let unseen = known && (tail.contains(hides) || stem.ends_with(hides));
    let run_before_ending = stem.chars().rev().take_while(|c| is_blank(*c) || matches!(c, '_' | '.')).count();
    let longest_run = stem.split(|c| !is_blank(c)).map(|run| run.chars().count()).max().unwrap_or(0);
    behind_ending || unseen || known && run_before_ending >= LONG_RUN || runs && longest_run >= LONG_RUN
}

/// Whether the name leads out of the directory a file is put in: upwards, to the root, or to a drive.
fn leaves_its_directory(name: &str) -> bool {
    let is_drive = matches!(name.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic());
    name.starts_with(['/', '\\']) || is_drive || name.split(['/', '\\']).any(|component| component.trim_end() == "..")
}

/// Whether characters turn the direction of writing. Marks and isolates are common in names of Arabic, Hebrew and iOS;
/// overrides are not.
fn turns_around(name: &str) -> bool {
    let reads_rightwards = |c: char| matches!(c, '\u{590}'..='\u{8FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFF}');
    name.contains(['\u{202D}', '\u{202E}']) || name.contains(['\u{202B}', '\u{2067}']) && !name.contains(reads_rightwards)
}

fn last_component(name: &str) -> &str {
    let name = name.trim_end_matches(['/', '\\']);
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

/// What may stand behind an ending without changing it.
fn falls_away(c: char) -> bool {
    matches!(c, '.' | '"' | '\'' | '\0') || is_blank(c) || is_unseen(c)
}

fn is_blank(c: char) -> bool {
    // Braille's empty cell and Hangul's fillers are letters that show nothing.
    c.is_whitespace() || matches!(c, '\u{2800}' | '\u{3164}' | '\u{115F}' | '\u{1160}' | '\u{FFA0}')
}

fn is_direction(c: char) -> bool {
    matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Characters without width, and controls.
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{180B}'..='\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{E0000}'..='\u{E0FFF}'
    ) || c.is_control() && !c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Sign::*;

    fn signs(name: &str) -> Vec<Sign> {
        promise(&[name]).signs.iter().collect()
    }

    #[test]
    fn ordinary_names_have_no_sign() {
        for name in [
            "invoice.pdf",
            "Report 2020.final.docx",
            "archive.tar.gz",
            "report.pdf.zip",
            "README",
            "photo.JPG",
            "Re: your offer.eml",
            "Letter of Acme Inc.",
            "\u{2068}Report\u{2069}.pdf",
            "\u{200E}WhatsApp Image.jpeg",
            "\u{202B}דוח\u{202C}.pdf",
            "نامه\u{200C}ها.docx",
            "a very long name with words.in.it and so on.txt",
            "invoice_pdf.zip",
            "data.csv.xml",
            "",
            ".",
            "...",
        ] {
            assert_eq!(signs(name), [], "{name:?}");
        }
    }

    #[test]
    fn names_that_run_and_how_they_hide_it() {
        let cases: &[(&str, &[Sign])] = &[
            ("setup.exe", &[DangerousName]),
            ("SETUP.ExE", &[DangerousName]),
            ("setup.exe.", &[DangerousName, HiddenExtension]),
            ("setup.exe. . ", &[DangerousName, HiddenExtension]),
            ("setup.exe:report.txt", &[DangerousName, HiddenExtension]),
            ("setup.exe::$DATA", &[DangerousName, HiddenExtension]),
            ("setup.exe\0.pdf", &[DangerousName, HiddenExtension]),
            ("report.pdf\0.exe", &[DangerousName, DoubleExtension, HiddenExtension]),
            ("report.pdf.exe", &[DangerousName, DoubleExtension]),
            ("report.pdf .exe", &[DangerousName, DoubleExtension]),
            ("report.pdf                .exe", &[DangerousName, DoubleExtension, HiddenExtension]),
            ("report.pdf________________.exe", &[DangerousName, DoubleExtension, HiddenExtension]),
            ("report_pdf.exe", &[DangerousName, DoubleExtension]),
            ("report.docx.js", &[DangerousName, DoubleExtension]),
            ("report.pdf.html", &[DoubleExtension]),
            ("report.jpg.iso", &[DoubleExtension]),
            ("report.e\u{200B}xe", &[DangerousName, HiddenExtension]),
            ("report\u{202E}fdp.exe", &[DangerousName, ReversedName]),
            ("a\u{202E}gpj.scr", &[DangerousName, ReversedName]),
            ("\u{202B}exe.pdf", &[ReversedName]),
            ("../../etc/passwd", &[UnsafePath]),
            ("..\\run.bat", &[DangerousName, UnsafePath]),
            ("/etc/cron.d/x", &[UnsafePath]),
            ("C:\\Users\\a.doc", &[UnsafePath]),
            ("folder/setup.exe", &[DangerousName]),
            ("folder.exe/readme.txt", &[]),
            ("tool.{20D04FE0-3AEA-1069-A2D8-08002B30309D}", &[DangerousName, HiddenExtension]),
            ("\"setup.exe\"", &[DangerousName]),
            ("notes.py", &[]),
        ];
        for (name, expected) in cases {
            assert_eq!(signs(name), *expected, "{name:?}");
        }
    }

    #[test]
    fn every_ending_stands_once() {
        let mut all: Vec<&str> = ENDINGS.iter().flat_map(|(_, endings)| endings.split_ascii_whitespace()).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(all.iter().all(|ending| *ending == ending.to_lowercase()));
    }

    #[test]
    fn endings_are_those_that_count() {
        assert_eq!(ending("A.Tar.GZ").as_deref(), Some("gz"));
        assert_eq!(ending("dir/A.JS. ").as_deref(), Some("js"));
        assert_eq!(ending("README"), None);
    }
}
