//! The sample messages of `examples/mail`, carried in the program.

macro_rules! samples {
    ($($name:literal),+ $(,)?) => {
        /// Names and contents, in order.
        pub(super) const SAMPLES: &[(&str, &[u8])] =
            &[$(($name, include_bytes!(concat!("../../../../examples/mail/", $name, ".eml")))),+];
    };
}

samples![
    "01-personal",
    "02-reply-german",
    "03-newsletter",
    "04-receipt",
    "05-appointment",
    "06-patch",
    "07-password-reset",
    "08-delivery-report",
    "09-pills-and-watches",
    "10-advance-fee",
    "11-credential-phish",
    "12-invoice-fraud",
    "13-gift-cards",
    "14-payroll-diversion",
    "15-lookalike-domain",
    "16-mailbox-deactivated",
    "17-hidden-text",
    "18-invisible-characters",
    "19-forged-marks",
    "20-malformed",
    "21-backscatter",
    "22-gtube",
    "23-extortion",
    "24-cold-pitch",
];
