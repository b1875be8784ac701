// SPDX-License-Identifier: Apache-2.0
//! The part of jzse.h that this program uses, declared by hand, and the safe types over it.
//!
//! Structs are `repr(C)` copies of those in the header. Each carries its own size, so a library that is older or newer
//! still understands them; a wrong copy is refused as JZSE_INVALID.
use std::ffi::{c_char, c_int, c_void, CStr, CString, NulError};
use std::fmt;
use std::marker::PhantomData;
use std::mem::size_of;
use std::ptr;

#[allow(non_camel_case_types)]
mod c {
    use super::*;

    #[repr(C)]
    pub struct jzse_error {
        pub struct_size: u32,
        pub code: c_int,
        pub message: [c_char; 500],
    }
    #[repr(C)]
    pub struct jzse_options {
        pub struct_size: u32,
        pub flags: u32,
        pub region: *const c_char,
        pub memory_limit: u64,
        pub free_space_reserve: u64,
        pub background_rate: u64,
        pub io_backend: u32,
        pub background_off: u32,
        pub log: Option<extern "C" fn(*mut c_void, c_int, *const c_char)>,
        pub log_context: *mut c_void,
    }
    #[repr(C)]
    pub struct jzse_file_info {
        pub struct_size: u32,
        pub kind: u32,
        pub size: u64,
        pub mtime_ns: i64,
        pub mode: u32,
        pub reserved: u32,
        pub changed_ms: u64,
        pub sequence: u64,
        pub file_replica: u64,
        pub file_counter: u64,
        pub etag: [c_char; 72],
    }
    #[repr(C)]
    pub struct jzse_put_options {
        pub struct_size: u32,
        pub kind: u32,
        pub if_match: *const c_char,
        pub if_none_match: *const c_char,
        pub content_type: *const c_char,
        pub metadata: *const c_void,
        pub metadata_count: usize,
        pub mtime_ns: i64,
        pub mode: u32,
        pub reserved: u32,
    }
    #[repr(C)]
    pub struct jzse_list_entry {
        pub path: *const c_char,
        pub info: jzse_file_info,
    }
    pub type jzse_store = c_void;
    pub type jzse_list = c_void;
    pub type jzse_place_fn = extern "C" fn(context: *mut c_void, size: u64) -> *mut c_void;

    extern "C" {
        pub fn jzse_code_name(code: c_int) -> *const c_char;
        pub fn jzse_store_open(path: *const c_char, options: *const jzse_options, store: *mut *mut jzse_store,
                               error: *mut jzse_error) -> c_int;
        pub fn jzse_store_close(store: *mut jzse_store, error: *mut jzse_error) -> c_int;
        pub fn jzse_put(store: *mut jzse_store, ns: *const c_char, path: *const c_char, data: *const c_void, size: usize,
                        options: *const jzse_put_options, info: *mut jzse_file_info, error: *mut jzse_error) -> c_int;
        pub fn jzse_get_into(store: *mut jzse_store, ns: *const c_char, path: *const c_char, options: *const c_void,
                             place: jzse_place_fn, context: *mut c_void, info: *mut jzse_file_info,
                             error: *mut jzse_error) -> c_int;
        pub fn jzse_versions_open(store: *mut jzse_store, ns: *const c_char, path: *const c_char,
                                  options: *const c_void, list: *mut *mut jzse_list, error: *mut jzse_error) -> c_int;
        pub fn jzse_list_open(store: *mut jzse_store, ns: *const c_char, options: *const c_void,
                              list: *mut *mut jzse_list, error: *mut jzse_error) -> c_int;
        pub fn jzse_list_next(list: *mut jzse_list, entry: *mut *const jzse_list_entry, error: *mut jzse_error) -> c_int;
        pub fn jzse_list_close(list: *mut jzse_list);
        pub fn jzse_version_restore(store: *mut jzse_store, ns: *const c_char, path: *const c_char, version: u64,
                                    info: *mut jzse_file_info, error: *mut jzse_error) -> c_int;
    }
}

const NS: &CStr = unsafe { CStr::from_bytes_with_nul_unchecked(b"default\0") };
pub const NOT_FOUND: i32 = -2;
pub const PRECONDITION: i32 = -4;
const INVALID: i32 = -1;
const OPEN_CREATE: u32 = 1;

/// What a call reported: one of the codes of jzse.h, and one line that names the object and the cause.
#[derive(Debug)]
pub struct Error {
    pub code: i32,
    pub message: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        // SAFETY: static strings, for every code.
        let name = unsafe { CStr::from_ptr(c::jzse_code_name(self.code)) };
        write!(f, "{} ({})", self.message, name.to_string_lossy())
    }
}
impl std::error::Error for Error {}
impl From<NulError> for Error {
    fn from(_: NulError) -> Self {
        Error { code: INVALID, message: "a name holds a NUL".into() }
    }
}
pub type Result<T> = std::result::Result<T, Error>;

/// Makes one call with an error to fill.
fn call(make: impl FnOnce(*mut c::jzse_error) -> c_int) -> Result<()> {
    let mut error = c::jzse_error { struct_size: size_of::<c::jzse_error>() as u32, code: 0, message: [0; 500] };
    match make(&mut error) {
        0 => Ok(()),
        // SAFETY: a call that failed left one NUL-terminated line.
        code => Err(Error { code, message: unsafe { CStr::from_ptr(error.message.as_ptr()) }.to_string_lossy().into() }),
    }
}

/// What the store says of one version of a file.
#[derive(Debug, Clone)]
pub struct Info {
    pub path: String,
    pub size: u64,
    pub version: u64,
    pub changed_ms: u64,
    pub etag: String,
}

fn empty_info() -> c::jzse_file_info {
    // SAFETY: integers and arrays of them, for which zero is a value.
    let mut info: c::jzse_file_info = unsafe { std::mem::zeroed() };
    info.struct_size = size_of::<c::jzse_file_info>() as u32;
    info
}

fn info_of(path: String, info: &c::jzse_file_info) -> Info {
    // SAFETY: the library NUL-terminates it.
    let etag = unsafe { CStr::from_ptr(info.etag.as_ptr()) }.to_string_lossy().into();
    Info { path, size: info.size, version: info.sequence, changed_ms: info.changed_ms, etag }
}

/// What must hold for a put to happen.
pub enum Only<'a> {
    /// There is nothing at the path.
    IfAbsent,
    /// The content is still the one with this etag.
    IfSame(&'a str),
}

/// An open store. Shared freely between threads, as jzse.h allows.
pub struct Store {
    handle: *mut c::jzse_store,
}
// SAFETY: all calls on a store are thread-safe.
unsafe impl Send for Store {}
unsafe impl Sync for Store {}

impl Store {
    pub fn open(path: &str) -> Result<Store> {
        let path = CString::new(path)?;
        // SAFETY: null pointers and zeros are the defaults.
        let mut options: c::jzse_options = unsafe { std::mem::zeroed() };
        options.struct_size = size_of::<c::jzse_options>() as u32;
        options.flags = OPEN_CREATE;
        let mut handle = ptr::null_mut();
        // SAFETY: every pointer outlives the call.
        call(|error| unsafe { c::jzse_store_open(path.as_ptr(), &options, &mut handle, error) })?;
        Ok(Store { handle })
    }

    /// Closing by hand tells whether it went well; dropping closes too, and tells nothing.
    pub fn close(self) -> Result<()> {
        let handle = self.handle;
        std::mem::forget(self);
        // SAFETY: nothing borrows the store any more, so no handle of it is left.
        call(|error| unsafe { c::jzse_store_close(handle, error) })
    }

    pub fn put(&self, path: &str, content: &[u8], only: Only) -> Result<Info> {
        let c_path = CString::new(path)?;
        let any = CString::new("*")?;
        let same = CString::new(match only {
            Only::IfSame(etag) => etag,
            Only::IfAbsent => "",
        })?;
        // SAFETY: null pointers and zeros are the defaults.
        let mut options: c::jzse_put_options = unsafe { std::mem::zeroed() };
        options.struct_size = size_of::<c::jzse_put_options>() as u32;
        match only {
            Only::IfAbsent => options.if_none_match = any.as_ptr(),
            Only::IfSame(_) => options.if_match = same.as_ptr(),
        }
        let mut info = empty_info();
        // SAFETY: every pointer outlives the call, and `content` cannot change during it.
        call(|error| unsafe {
            c::jzse_put(self.handle, NS.as_ptr(), c_path.as_ptr(), content.as_ptr().cast(), content.len(), &options,
                        &mut info, error)
        })?;
        Ok(info_of(path.into(), &info))
    }

    /// The content, read straight into a Vec: the library asks for the room once it knows the size.
    pub fn get(&self, path: &str) -> Result<(Vec<u8>, Info)> {
        extern "C" fn place(context: *mut c_void, size: u64) -> *mut c_void {
            // SAFETY: `context` is the Vec below. No panic may leave this function, so room is only tried for.
            let content = unsafe { &mut *context.cast::<Vec<u8>>() };
            match usize::try_from(size) {
                Ok(size) if content.try_reserve_exact(size).is_ok() => content.as_mut_ptr().cast(),
                _ => ptr::null_mut(),
            }
        }
        let c_path = CString::new(path)?;
        let mut content: Vec<u8> = Vec::new();
        let mut info = empty_info();
        let context: *mut Vec<u8> = &mut content;
        // SAFETY: every pointer outlives the call; `place` is called within it, on this thread.
        call(|error| unsafe {
            c::jzse_get_into(self.handle, NS.as_ptr(), c_path.as_ptr(), ptr::null(), place, context.cast(), &mut info,
                             error)
        })?;
        // SAFETY: after success all info.size bytes were written.
        unsafe { content.set_len(info.size as usize) };
        Ok((content, info_of(path.into(), &info)))
    }

    pub fn list(&self) -> Result<List<'_>> {
        let mut handle = ptr::null_mut();
        // SAFETY: every pointer outlives the call.
        call(|error| unsafe { c::jzse_list_open(self.handle, NS.as_ptr(), ptr::null(), &mut handle, error) })?;
        Ok(List { handle, store: PhantomData })
    }

    /// The states of a file, newest first.
    pub fn versions(&self, path: &str) -> Result<List<'_>> {
        let path = CString::new(path)?;
        let mut handle = ptr::null_mut();
        // SAFETY: every pointer outlives the call.
        call(|error| unsafe {
            c::jzse_versions_open(self.handle, NS.as_ptr(), path.as_ptr(), ptr::null(), &mut handle, error)
        })?;
        Ok(List { handle, store: PhantomData })
    }

    pub fn restore(&self, path: &str, version: u64) -> Result<Info> {
        let c_path = CString::new(path)?;
        let mut info = empty_info();
        // SAFETY: every pointer outlives the call.
        call(|error| unsafe {
            c::jzse_version_restore(self.handle, NS.as_ptr(), c_path.as_ptr(), version, &mut info, error)
        })?;
        Ok(info_of(path.into(), &info))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // SAFETY: nothing borrows the store any more.
        unsafe { c::jzse_store_close(self.handle, ptr::null_mut()) };
    }
}

/// A listing, one entry at a time. Borrows the store, which therefore cannot be closed under it.
pub struct List<'a> {
    handle: *mut c::jzse_list,
    store: PhantomData<&'a Store>,
}

impl Iterator for List<'_> {
    type Item = Result<Info>;

    fn next(&mut self) -> Option<Result<Info>> {
        let mut entry: *const c::jzse_list_entry = ptr::null();
        // SAFETY: the handle is open; the entry is copied before the next call.
        if let Err(error) = call(|error| unsafe { c::jzse_list_next(self.handle, &mut entry, error) }) {
            return Some(Err(error));
        }
        let entry = unsafe { entry.as_ref() }?;
        let path = unsafe { CStr::from_ptr(entry.path) }.to_string_lossy().into();
        Some(Ok(info_of(path, &entry.info)))
    }
}

impl Drop for List<'_> {
    fn drop(&mut self) {
        // SAFETY: closed once.
        unsafe { c::jzse_list_close(self.handle) };
    }
}
