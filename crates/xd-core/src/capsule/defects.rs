//! Defects by number in capsules.

use super::wire::{DecodeError, Reader, Wire, Writer};
use crate::{Defect, Defects};

macro_rules! numbered {
    ($($defect:ident)*) => {
        /// Every defect at its number. The order is that of the format: a new defect goes to the end, an old one stays.
        const NUMBERED: &[Defect] = &[$(Defect::$defect),*];
    };
}

#[rustfmt::skip]
numbered! {
    EmptyMessage NoHeaderSection NoBody NulByte BareCarriageReturn MixedLineEnds MalformedField BadFieldName
    SpaceBeforeColon BlankFold EightBitHeader BadEncodedWord NoFrom NoDate NoMessageId DuplicateFrom DuplicateSender
    DuplicateReplyTo DuplicateTo DuplicateCc DuplicateSubject DuplicateDate DuplicateMessageId DuplicateContentType
    DuplicateTransferEncoding DuplicateDisposition DuplicateMimeVersion SeveralFromAddresses UnreadableFrom UnreadableDate
    DateWithoutZone BadContentType DuplicateParameter ParameterForms ParameterGap NoBoundary BadBoundary DuplicateBoundary
    BoundaryNotFound UnterminatedMultipart LooseBoundary PartAfterEnd UnknownTransferEncoding EncodedMultipart
    EncodedMessage BadBase64 DataAfterBase64 BadQuotedPrintable UnknownCharset BadCharset EightBitInSevenBit FieldLimit
    FieldBytesLimit AddressLimit HopLimit PartLimit DepthLimit DecodedLimit TextLimit LinkLimit LinkBytesLimit
    HtmlDepthLimit NamesDiffer
}

impl Wire for Defects {
    /// Gaps between the numbers, ascending, after how many there are.
    fn write(&self, out: &mut Writer) {
        out.count(self.len());
        let mut next = 0;
        for (number, _) in NUMBERED.iter().enumerate().filter(|(_, defect)| self.contains(**defect)) {
            out.number((number - next) as u64);
            next = number + 1;
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut defects = Self::default();
        let mut next: u64 = 0;
        for _ in 0..from.count()? {
            let at = from.at();
            let number = next.saturating_add(from.number()?);
            match usize::try_from(number).ok().and_then(|number| NUMBERED.get(number)) {
                Some(&defect) => defects.record(defect),
                None => return Reader::wrong(at, "there is no such defect"),
            }
            next = number + 1;
        }
        Ok(defects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_defect_has_one_number() {
        let mut numbered = NUMBERED.to_vec();
        numbered.sort();
        assert_eq!(numbered, Defect::ALL);
    }

    #[test]
    fn sets_come_back() {
        for step in [1, 3, 60] {
            let mut defects = Defects::default();
            Defect::ALL.iter().step_by(step).for_each(|&defect| defects.record(defect));
            let mut out = Writer::default();
            defects.write(&mut out);
            assert_eq!(Defects::read(&mut Reader::new(&out.bytes)), Ok(defects));
        }
    }
}
