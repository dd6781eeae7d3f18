//! Pages that make, ask for, or lead to something, and such that do not.

use super::*;

fn read_page(text: &str) -> Opened<'static> {
    open(text.as_bytes(), &mut Budget::default())
}

fn signs(text: &str) -> Vec<Sign> {
    read_page(text).signs.iter().collect()
}

/// `PK` and enough zeros to be long.
fn archive() -> String {
    let mut text = "UEsDBBQAAAAI".to_owned();
    text.push_str(&"A".repeat(88));
    text
}

#[test]
fn ordinary_pages_have_no_sign() {
    for text in [
        "<html><body><p>Hello</p><a href='https://www.example.com/'>you</a><img src='data:image/png;base64,iVBORw0KGgoAAAAN'></body></html>",
        "<html><script>if (window.location == 'x') { var location = 1; a.location_id = 2; } console.log('password')</script>",
        "<html><script src='https://www.example.com/a.js'></script><form action='/search'><input type=text></form>",
        "<svg xmlns='http://www.w3.org/2000/svg'><path d='M0'/><style>a{}</style><image href='data:image/png;base64,iVBORw0KGgoAAAAN'/></svg>",
        "<html><title>a <script>top.location=1</script></title>",
        "<html><!-- <script>top.location=1</script> -->",
    ] {
        assert_eq!(signs(text), [], "{text}");
    }
}

#[test]
fn files_that_scripts_make() {
    let whole = archive();
    let (first, second) = whole.split_at(40);
    for page in [
        format!(
            "<html><script>var d='{whole}';var b=new Blob([atob(d)]);a.href=URL.createObjectURL(b);a.download='invoice.zip';</script>"
        ),
        format!("<html><script>var n='invoice.zip',d='{first}' +\n \"{second}\"; x.download=n;</script>"),
        format!("<html><a download='invoice.zip' href='data:application/zip;base64,{whole}'>x</a>"),
        format!("<html><body onload=\"window.navigator.msSaveOrOpenBlob(f(`{whole}`),'invoice.zip')\">"),
    ] {
        let opened = read_page(&page);
        assert_eq!(opened.signs.iter().collect::<Vec<_>>(), [Sign::Smuggling], "{page}");
        let members: Vec<_> = opened.members.iter().map(|member| (&*member.name, sniff(member.bytes()))).collect();
        assert_eq!(members, [("invoice.zip", Some("application/zip"))], "{page}");
    }
    // A name and a blob without a file that could be told.
    assert_eq!(signs("<script>var b=new Blob([k(x)]);a.href=URL.createObjectURL(b)</script>"), [Sign::Smuggling]);
}

#[test]
fn pages_that_are_hidden_in_pages() {
    let form = "<html><form action='https://www.example.com/x.php'><input type='password'></form>";
    let percent: String = form.bytes().map(|b| format!("%{b:02x}")).collect();
    let backslashes: String = form.bytes().map(|b| format!("\\x{b:02x}")).collect();
    let hex: String = form.bytes().map(|b| format!("{b:02x}")).collect();
    for text in [percent, backslashes, hex] {
        let opened = read_page(&format!("<html><script>document.write(f('{text}'))</script>"));
        assert_eq!(opened.members.len(), 1, "{text}");
        assert_eq!(opened.members[0].bytes(), form.as_bytes());
        assert_eq!(opened.links, ["https://www.example.com/x.php"]);
    }
    assert_eq!(signs("<html><iframe srcdoc='&lt;input type=password&gt;'></iframe>"), [Sign::PasswordForm]);
}

#[test]
fn forms_passwords_and_ways_elsewhere() {
    assert_eq!(
        signs("<form method=post action=https://www.example.com/a.php><input TYPE=Password name=p>"),
        [Sign::Form, Sign::PasswordForm]
    );
    assert_eq!(signs("<html><script>document.write('<input type=\\'password\\'>')</script>"), [Sign::PasswordForm]);
    for text in [
        "<meta http-equiv=refresh content='0; url=https://www.example.com/'>",
        "<script>window.location.href = 'https://www.example.com/';</script>",
        "<script>location.replace('https://www.example.com/')</script>",
        "<body onload=\"top.location='https://www.example.com/'\">",
        "<a href=\" java\tscript:\"></a><a href=\"JavaScript:location='https://www.example.com/'\">",
    ] {
        let opened = read_page(text);
        assert_eq!(opened.signs.iter().collect::<Vec<_>>(), [Sign::Redirect], "{text}");
        assert_eq!(opened.links, ["https://www.example.com/"], "{text}");
    }
}

#[test]
fn images_with_scripts() {
    for text in [
        "<svg><script>alert(1)</script></svg>",
        "<svg onload='alert(1)'/>",
        "<svg><foreignObject><p/></foreignObject></svg>",
        "<?xml version='1.0'?><svg:svg xmlns:svg='a'><svg:a xlink:href='javascript:alert(1)'/></svg:svg>",
    ] {
        let text = text.replace("<svg:svg", "<svg").replace("</svg:svg", "</svg");
        assert_eq!(signs(&text), [Sign::DocumentScript], "{text}");
    }
}

#[test]
fn pages_in_sixteen_bits_are_read() {
    let wide: Vec<u8> = "\u{FEFF}<html><input type=password>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(open(&wide, &mut Budget::default()).signs.contains(Sign::PasswordForm));
}

#[test]
fn floods_end_and_damage_leaves_what_stood_before() {
    for unit in [
        "<",
        "<a ",
        "<a b='",
        "<script>",
        "<!--",
        "<script>'",
        "<iframe srcdoc='",
        "<a href='data:,",
        "<a b=c/",
        "'+\"",
        "<script>location",
    ] {
        let _ = open(
            unit.repeat(5_000).as_bytes(),
            &mut Budget::new(crate::Bounds { steps: 10_000_000, ..crate::Bounds::default() }),
        );
    }
    let sample =
        format!("<html><input type=password><script>var d='{}';</script><a b=\"c\" href='data:text/html,%3Cb'>", archive());
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for _ in 0..600 {
        let mut bytes = sample.clone().into_bytes();
        let at = 27 + random(bytes.len() - 27);
        match random(3) {
            0 => bytes[at] ^= 1 << random(8),
            1 => bytes.truncate(at),
            _ => bytes.insert(at, u8::try_from(random(256)).unwrap()),
        }
        assert!(open(&bytes, &mut Budget::default()).signs.contains(Sign::PasswordForm));
    }
}

#[test]
fn encoded_scripts_are_looked_at() {
    let run = r#"#@~^DgAAAA==/M+CD+}4LmDcJq?^DbwO Ut+^sJ*RI!U~J4YDwd)&&ShARalswsncmWh&mg8'8E@#@&v@!NKx+@*P@$~tK:ndmx[~sWD~hKDNk~OW,oKP.W;U9POt~WMNn.,Wx^nqAQAAA==^#~@"#;
    for script in [run.to_owned(), format!("<html><script language=VBScript.Encode>{run}</script></html>")] {
        let opened = crate::open(
            script.as_bytes(),
            sniff(script.as_bytes()),
            "a.vbe",
            &crate::Passwords::default(),
            &mut Budget::default(),
        );
        assert_eq!(opened.unwrap().links, ["https://www.example.com/a?b=1"], "{script}");
    }
}

#[test]
fn addresses_in_scripts_are_looked_for_as_far_as_is_paid() {
    let page = "<html><script>var a='https://www.example.com/'</script></html>";
    let paid = page.len() as u64 * PAGE_STEPS;
    for (steps, expected) in [(paid + 100, 0), (paid + 10_000, 1)] {
        let opened = open(page.as_bytes(), &mut Budget::new(crate::Bounds { steps, ..crate::Bounds::default() }));
        assert_eq!((opened.links.len(), opened.signs.contains(Sign::Limit)), (expected, expected == 0));
    }
}
