# The version is read from the header that is installed beside this, so that there is one place for it.
file(STRINGS "${CMAKE_CURRENT_LIST_DIR}/../../../include/mpt_tokens.h" _mpt_tokens_line
     REGEX "^#define MPT_VERSION \"")
string(REGEX REPLACE "^.*\"([^\"]*)\".*$" "\\1" PACKAGE_VERSION "${_mpt_tokens_line}")
unset(_mpt_tokens_line)

# Before 1.0.0 a minor version may ask for a change in a program's source; after it only a major one.
if(PACKAGE_VERSION VERSION_LESS PACKAGE_FIND_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
else()
  string(REGEX REPLACE "^(0\\.[0-9]+|[0-9]+).*$" "\\1" _mpt_tokens_has "${PACKAGE_VERSION}")
  string(REGEX REPLACE "^(0\\.[0-9]+|[0-9]+).*$" "\\1" _mpt_tokens_wants "${PACKAGE_FIND_VERSION}")
  if("${PACKAGE_FIND_VERSION}" STREQUAL "" OR _mpt_tokens_has STREQUAL _mpt_tokens_wants)
    set(PACKAGE_VERSION_COMPATIBLE TRUE)
  else()
    set(PACKAGE_VERSION_COMPATIBLE FALSE)
  endif()
  if(PACKAGE_FIND_VERSION STREQUAL PACKAGE_VERSION)
    set(PACKAGE_VERSION_EXACT TRUE)
  endif()
  unset(_mpt_tokens_has)
  unset(_mpt_tokens_wants)
endif()
