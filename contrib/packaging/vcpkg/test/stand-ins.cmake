# Runs the port without vcpkg, by stand-ins for the functions and variables of vcpkg that it uses, each as vcpkg's
# documentation describes it:
#
#     cmake -D FOLDER=/tmp/port -D LINKAGE=dynamic -P contrib/packaging/vcpkg/test/stand-ins.cmake
#
# FOLDER/packages is what vcpkg would take over, and FOLDER/calls has a line for each call. A stand-in fails if it is
# given what the real function does not take. It cannot show what vcpkg itself would do: its checks after a build, its
# own changes of run paths, and how it finds the port.
cmake_minimum_required(VERSION 3.16)

foreach(name FOLDER LINKAGE)
    if(NOT ${name})
        message(FATAL_ERROR "-D ${name}=... is missing")
    endif()
endforeach()
set(PORT mpt-tokens)
set(TARGET_TRIPLET "stand-in-linux-${LINKAGE}")
set(VCPKG_CMAKE_SYSTEM_NAME Linux)
set(VCPKG_TARGET_IS_LINUX ON)
set(VCPKG_LIBRARY_LINKAGE "${LINKAGE}")
set(CURRENT_BUILDTREES_DIR "${FOLDER}/buildtrees")
set(CURRENT_PACKAGES_DIR "${FOLDER}/packages")
set(CURRENT_INSTALLED_DIR "${FOLDER}/installed")
file(REMOVE_RECURSE "${FOLDER}")
file(MAKE_DIRECTORY "${CURRENT_BUILDTREES_DIR}" "${CURRENT_PACKAGES_DIR}" "${CURRENT_INSTALLED_DIR}")

function(record name)
    string(REPLACE ";" " " line "${name};${ARGN}")
    string(STRIP "${line}" line)
    file(APPEND "${FOLDER}/calls" "${line}\n")
endfunction()

# Nothing may be left over, and nothing required may be missing.
macro(parse_as one many)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "${one}" "${many}")
    if(DEFINED arg_UNPARSED_ARGUMENTS OR DEFINED arg_KEYWORDS_MISSING_VALUES)
        message(FATAL_ERROR "${CMAKE_CURRENT_FUNCTION}: ${arg_UNPARSED_ARGUMENTS} ${arg_KEYWORDS_MISSING_VALUES}")
    endif()
endmacro()

function(vcpkg_execute_required_process)
    parse_as("WORKING_DIRECTORY;LOGNAME" "COMMAND")
    foreach(name WORKING_DIRECTORY LOGNAME COMMAND)
        if(NOT arg_${name})
            message(FATAL_ERROR "vcpkg_execute_required_process without ${name}")
        endif()
    endforeach()
    record(vcpkg_execute_required_process ${arg_COMMAND})
    set(log "${CURRENT_BUILDTREES_DIR}/${arg_LOGNAME}")
    execute_process(COMMAND ${arg_COMMAND} WORKING_DIRECTORY "${arg_WORKING_DIRECTORY}"
        OUTPUT_FILE "${log}-out.log" ERROR_FILE "${log}-err.log" RESULT_VARIABLE failed)
    if(failed)
        file(READ "${log}-err.log" why)
        message(FATAL_ERROR "${arg_COMMAND}: ${failed}\n${why}")
    endif()
endfunction()

# Makes the prefix relative to the file, as vcpkg does.
function(vcpkg_fixup_pkgconfig)
    parse_as("" "")
    record(vcpkg_fixup_pkgconfig)
    file(GLOB_RECURSE files "${CURRENT_PACKAGES_DIR}/*.pc")
    if(NOT files)
        message(FATAL_ERROR "there is no file for pkg-config")
    endif()
    foreach(file IN LISTS files)
        file(READ "${file}" text)
        string(REPLACE "${CURRENT_PACKAGES_DIR}" "\${prefix}" text "${text}")
        string(REGEX REPLACE "(^|\n)prefix=[^\n]*" "\\1prefix=\${pcfiledir}/../.." text "${text}")
        file(WRITE "${file}" "${text}")
    endforeach()
endfunction()

function(vcpkg_install_copyright)
    parse_as("COMMENT" "FILE_LIST")
    record(vcpkg_install_copyright)
    set(text "${arg_COMMENT}\n\n")
    foreach(file IN LISTS arg_FILE_LIST)
        get_filename_component(name "${file}" NAME)
        file(READ "${file}" more)
        string(APPEND text "${name}:\n\n${more}\n\n")
    endforeach()
    file(WRITE "${CURRENT_PACKAGES_DIR}/share/${PORT}/copyright" "${text}")
endfunction()

include("${CMAKE_CURRENT_LIST_DIR}/../ports/mpt-tokens/portfile.cmake")
record("build type ${VCPKG_BUILD_TYPE}")
