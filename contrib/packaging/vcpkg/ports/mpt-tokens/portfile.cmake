# The source is the tree that this port lies in.
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../../../.." ABSOLUTE)

find_program(CARGO cargo)
find_program(CARGO_C cargo-cinstall PATHS "$ENV{CARGO_HOME}/bin" "$ENV{HOME}/.cargo/bin")
if(NOT CARGO OR NOT CARGO_C)
    message(FATAL_ERROR "${PORT} is built with cargo (Rust 1.88 or later) and cargo-c: docs/install.md says how to get them")
endif()

# A triplet may set cargo's profile, to try the port with an unoptimized library.
if(NOT DEFINED MPT_TOKENS_PROFILE)
    set(MPT_TOKENS_PROFILE release)
endif()
# A C ABI that shares no memory functions with its caller: debug programs link the release library.
set(VCPKG_BUILD_TYPE release)
set(VCPKG_POLICY_MISMATCHED_NUMBER_OF_BINARIES enabled)

if(VCPKG_LIBRARY_LINKAGE STREQUAL "static")
    set(LIBRARY_TYPE staticlib)
else()
    set(LIBRARY_TYPE cdylib)
endif()
if(NOT DEFINED ENV{CARGO_TARGET_DIR})
    set(ENV{CARGO_TARGET_DIR} "${CURRENT_BUILDTREES_DIR}/${TARGET_TRIPLET}-rel")
endif()
vcpkg_execute_required_process(
    COMMAND "${CARGO}" cinstall --locked --profile "${MPT_TOKENS_PROFILE}" --library-type "${LIBRARY_TYPE}"
        --manifest-path crates/capi/Cargo.toml --prefix "${CURRENT_PACKAGES_DIR}" --libdir lib
    WORKING_DIRECTORY "${SOURCE_PATH}"
    LOGNAME "cinstall-${TARGET_TRIPLET}-rel"
)
if(LIBRARY_TYPE STREQUAL "staticlib")
    vcpkg_execute_required_process(
        COMMAND sh contrib/packaging/static-library.sh "${CURRENT_PACKAGES_DIR}/lib"
        WORKING_DIRECTORY "${SOURCE_PATH}"
        LOGNAME "static-library-${TARGET_TRIPLET}-rel"
    )
endif()

vcpkg_fixup_pkgconfig()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/share/doc" "${CURRENT_PACKAGES_DIR}/share/man")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(
    COMMENT "mpt-tokens is licensed under either of these, at your option."
    FILE_LIST "${SOURCE_PATH}/LICENSE-MIT" "${SOURCE_PATH}/LICENSE-APACHE"
)
