//! Pictures, decoded to their last line.

use std::fs;
use std::io::{BufReader, Cursor};
use std::path::Path;

use tiff::decoder::{Decoder, Limits};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{Form, Verdict};
use crate::error::{Error, Result};

/// A picture has at most this many dots on a side.
const SIDE_MAX: usize = 1 << 16;
/// A picture takes at most this many bytes of memory.
const DECODED_BYTES_MAX: usize = 1 << 30;

/// A picture, eight bits a colour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Dots from left to right.
    pub width: usize,
    /// Lines from top to bottom.
    pub height: usize,
    /// Red, green and blue of each dot, line by line.
    pub rgb: Vec<u8>,
}

/// Decodes a picture.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn open(form: Form, path: &Path) -> Result<(Verdict, Option<Picture>)> {
    let bytes = fs::read(path).map_err(|error| Error::io("cannot read", path.display(), error))?;
    let decoded = match form {
        Form::Jpeg => decode_jpeg(&bytes),
        Form::Png => decode_png(&bytes),
        _ => decode_tiff(&bytes),
    };
    Ok(match decoded {
        Ok(picture) => (Verdict::Opens, picture),
        Err(Failure::Broken(why)) => (Verdict::Broken(why), None),
        Err(Failure::NotKnown(why)) => (Verdict::NotKnown(why), None),
    })
}

enum Failure {
    Broken(String),
    NotKnown(&'static str),
}

fn broken(error: impl std::fmt::Debug) -> Failure {
    Failure::Broken(format!("{error:?}"))
}

fn decode_jpeg(bytes: &[u8]) -> std::result::Result<Option<Picture>, Failure> {
    // A decoder draws what is missing in grey; the mark of the end is behind the last line.
    if !bytes.windows(2).rev().any(|pair| pair == b"\xff\xd9") {
        return Err(Failure::Broken("it ends early: the mark of its end is missing".to_owned()));
    }
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(SIDE_MAX)
        .set_max_height(SIDE_MAX)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(broken)?;
    if decoder.output_buffer_size().is_none_or(|bytes| bytes > DECODED_BYTES_MAX) {
        return Err(Failure::NotKnown("it is too large to be decoded"));
    }
    let rgb = decoder.decode().map_err(broken)?;
    Ok(decoder.info().map(|info| Picture { width: info.width.into(), height: info.height.into(), rgb }))
}

fn decode_png(bytes: &[u8]) -> std::result::Result<Option<Picture>, Failure> {
    let mut decoder = png::Decoder::new_with_limits(BufReader::new(Cursor::new(bytes)), png::Limits { bytes: DECODED_BYTES_MAX });
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(broken)?;
    let bytes = reader.output_buffer_size().filter(|bytes| *bytes <= DECODED_BYTES_MAX);
    let mut buffer = vec![0; bytes.ok_or(Failure::NotKnown("it is too large to be decoded"))?];
    let info = reader.next_frame(&mut buffer).map_err(broken)?;
    reader.finish().map_err(broken)?;
    let (width, height) = (info.width as usize, info.height as usize);
    let samples = info.color_type.samples();
    let dots = buffer.chunks_exact(samples).take(width * height);
    let rgb: Vec<u8> = match samples {
        1 | 2 => dots.flat_map(|dot| [dot[0]; 3]).collect(),
        _ => dots.flat_map(|dot| [dot[0], dot[1], dot[2]]).collect(),
    };
    Ok((rgb.len() == width * height * 3).then_some(Picture { width, height, rgb }))
}

fn decode_tiff(bytes: &[u8]) -> std::result::Result<Option<Picture>, Failure> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = DECODED_BYTES_MAX;
    let not_known = |error: tiff::TiffError| match error {
        tiff::TiffError::UnsupportedError(_) => Failure::NotKnown("a kind of TIFF that is not known here"),
        tiff::TiffError::LimitsExceeded => Failure::NotKnown("it is too large to be decoded"),
        error => Failure::Broken(error.to_string()),
    };
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(not_known)?.with_limits(limits);
    loop {
        decoder.read_image().map_err(not_known)?;
        if !decoder.more_images() {
            return Ok(None);
        }
        decoder.next_image().map_err(not_known)?;
    }
}

impl Picture {
    /// The same with at most `side` dots on its longer side, each the mean of those that it stands for.
    #[must_use]
    pub fn shrunk(self, side: usize) -> Self {
        let longer = self.width.max(self.height);
        if longer <= side || side == 0 {
            return self;
        }
        let (width, height) = ((self.width * side / longer).max(1), (self.height * side / longer).max(1));
        let mut rgb = Vec::with_capacity(width * height * 3);
        let range = |at: usize, of: usize, from: usize| at * from / of..((at + 1) * from / of).max(at * from / of + 1);
        for line in 0..height {
            for dot in 0..width {
                let (lines, dots) = (range(line, height, self.height), range(dot, width, self.width));
                let count = (lines.len() * dots.len()) as u64;
                let sum = lines
                    .flat_map(|line| dots.clone().map(move |dot| (line * self.width + dot) * 3))
                    .fold([0u64; 3], |sum, at| std::array::from_fn(|color| sum[color] + u64::from(self.rgb[at + color])));
                rgb.extend(sum.map(|sum| (sum / count) as u8));
            }
        }
        Self { width, height, rgb }
    }
}
