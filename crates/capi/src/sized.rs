//! Structs whose first member is their size: a caller's version may have fewer or more members than this library's.

use std::mem::MaybeUninit;

use mpt_core::Error;

/// A struct that a caller passes by address.
///
/// # Safety
/// The first member is a `u32`, the size; every member is an integer, or a raw pointer, of which all zeros are a value.
pub(crate) unsafe trait SizedStruct: Copy {
    /// Its name in C.
    const NAME: &'static str;
    /// The sizes of earlier versions of the struct.
    const OLDER: &'static [usize];
}

/// Larger than any version of a struct: a greater size is garbage.
pub(crate) const MOST: usize = 64 * 1024;

/// Reads a struct; `None` if it is null. Members that the caller does not know are zero, which is their default.
///
/// # Safety
/// `given` is null, or has as many bytes as its first member says.
pub(crate) unsafe fn sized<T: SizedStruct>(given: *const T) -> Result<Option<T>, Error> {
    if given.is_null() {
        return Ok(None);
    }
    // SAFETY: the first member is there by the caller's promise, at an address that other languages may not align.
    let size = unsafe { given.cast::<u32>().read_unaligned() } as usize;
    // SAFETY: the caller's promise. Nothing is read beyond the known size before the size was checked.
    let (known, rest) =
        unsafe { parts(given.cast::<u8>(), size, T::NAME, T::OLDER, size_of::<T>()) }?;
    if rest.iter().any(|byte| *byte != 0) {
        return Err(Error::invalid_argument(format!(
            "the {} have a member set that this version of the library does not know: use a newer library",
            T::NAME
        )));
    }
    let mut read = MaybeUninit::<T>::zeroed();
    // SAFETY: `known` fits; the two do not overlap. All zeros are a value of every member.
    unsafe {
        std::ptr::copy_nonoverlapping(known.as_ptr(), read.as_mut_ptr().cast::<u8>(), known.len());
        Ok(Some(read.assume_init()))
    }
}

/// The bytes of members that are known, and those of members that are not.
///
/// # Safety
/// `size` bytes are at `given`.
unsafe fn parts<'a>(
    given: *const u8,
    size: usize,
    name: &str,
    older: &[usize],
    whole: usize,
) -> Result<(&'a [u8], &'a [u8]), Error> {
    if !older.contains(&size) && !(whole..=MOST).contains(&size) {
        let older: String =
            older.iter().map(|older| format!(", {older} in an earlier version")).collect();
        return Err(Error::invalid_argument(format!(
            "the size in the {name} is {size}: expected the size of the struct, which is {whole} here{older}, and at \
             most {MOST} in a later version"
        )));
    }
    // SAFETY: the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(given, size) }.split_at(size.min(whole)))
}
