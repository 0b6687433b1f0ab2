//! What only Windows needs: the DLL stays loaded, as it does elsewhere by its `nodelete` flag (`build.rs`).

use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::Once;

unsafe extern "system" {
    /// <https://learn.microsoft.com/windows/win32/api/libloaderapi/nf-libloaderapi-getmodulehandleexw>
    fn GetModuleHandleExW(flags: u32, name: *const u16, module: *mut *mut c_void) -> i32;
}

/// `GET_MODULE_HANDLE_EX_FLAG_PIN`: it stays until the process ends, whatever is freed.
const PIN: u32 = 1;
/// `GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS`: not by a name, but by an address in it.
const FROM_ADDRESS: u32 = 4;

/// Keeps the library loaded from its first use on. A thread that looks up a name may outlive its call, and text that
/// lives as long as the program is the library's.
pub(crate) fn stay() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let mut module = null_mut();
        // SAFETY: the address is in this library, and `module` may be written to. If it fails, the library can be
        // unloaded, as any other.
        unsafe {
            GetModuleHandleExW(PIN | FROM_ADDRESS, (&raw const ONCE).cast(), &raw mut module)
        };
    });
}
