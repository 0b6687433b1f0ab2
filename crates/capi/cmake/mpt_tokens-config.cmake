# find_package(mpt_tokens) defines:
#
#   mpt_tokens::shared      the shared library, where it is installed
#   mpt_tokens::static      the static library, where it is installed, with the system libraries that it needs
#   mpt_tokens::mpt_tokens  the shared one; the static one where there is no other, or where MPT_TOKENS_STATIC is true
#
# The headers for C and for C++ (which needs C++17) come with each.

get_filename_component(_mpt_tokens_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
set(_mpt_tokens_include "${_mpt_tokens_prefix}/include")
set(_mpt_tokens_folders "${_mpt_tokens_prefix}/lib/${CMAKE_LIBRARY_ARCHITECTURE}" "${_mpt_tokens_prefix}/lib64"
    "${_mpt_tokens_prefix}/lib")

set(_mpt_tokens_missing "")
if(NOT EXISTS "${_mpt_tokens_include}/mpt_tokens.h")
  set(_mpt_tokens_missing "mpt_tokens.h is not in ${_mpt_tokens_include}")
endif()

find_library(MPT_TOKENS_SHARED_LIBRARY NAMES libmpt_tokens${CMAKE_SHARED_LIBRARY_SUFFIX}
             PATHS ${_mpt_tokens_folders} NO_DEFAULT_PATH)
find_library(MPT_TOKENS_STATIC_LIBRARY NAMES libmpt_tokens${CMAKE_STATIC_LIBRARY_SUFFIX}
             PATHS ${_mpt_tokens_folders} NO_DEFAULT_PATH)
mark_as_advanced(MPT_TOKENS_SHARED_LIBRARY MPT_TOKENS_STATIC_LIBRARY)

if(MPT_TOKENS_SHARED_LIBRARY AND NOT TARGET mpt_tokens::shared)
  add_library(mpt_tokens::shared SHARED IMPORTED)
  set_target_properties(mpt_tokens::shared PROPERTIES
    IMPORTED_LOCATION "${MPT_TOKENS_SHARED_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${_mpt_tokens_include}")
endif()

if(MPT_TOKENS_STATIC_LIBRARY AND NOT TARGET mpt_tokens::static)
  find_package(Threads QUIET)
  add_library(mpt_tokens::static STATIC IMPORTED)
  set_target_properties(mpt_tokens::static PROPERTIES
    IMPORTED_LOCATION "${MPT_TOKENS_STATIC_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${_mpt_tokens_include}"
    INTERFACE_LINK_LIBRARIES "${CMAKE_THREAD_LIBS_INIT};${CMAKE_DL_LIBS}")
endif()

if(NOT TARGET mpt_tokens::mpt_tokens)
  if(TARGET mpt_tokens::static AND (MPT_TOKENS_STATIC OR NOT TARGET mpt_tokens::shared))
    set(_mpt_tokens_default mpt_tokens::static)
  elseif(TARGET mpt_tokens::shared)
    set(_mpt_tokens_default mpt_tokens::shared)
  else()
    set(_mpt_tokens_missing "libmpt_tokens is in none of ${_mpt_tokens_folders}")
  endif()
  if(_mpt_tokens_default)
    add_library(mpt_tokens::mpt_tokens INTERFACE IMPORTED)
    set_target_properties(mpt_tokens::mpt_tokens PROPERTIES INTERFACE_LINK_LIBRARIES "${_mpt_tokens_default}")
  endif()
endif()

if(_mpt_tokens_missing)
  set(mpt_tokens_FOUND FALSE)
  set(mpt_tokens_NOT_FOUND_MESSAGE "${_mpt_tokens_missing}")
endif()

unset(_mpt_tokens_prefix)
unset(_mpt_tokens_include)
unset(_mpt_tokens_folders)
unset(_mpt_tokens_missing)
unset(_mpt_tokens_default)
