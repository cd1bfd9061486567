#!/bin/bash
# kernel_symbols.sh OBJECT TABLE: checks that a kernel object of a later processor shows others its
# table alone, and that nothing of it runs before a kernel of it is called. CTest runs it.
set -euo pipefail
[ $# = 2 ] && [ -r "$1" ] || { echo "usage: kernel_symbols.sh OBJECT TABLE" >&2; exit 2; }
fail() {
  echo "$1: $2" >&2
  exit 1
}
visible="$(nm --defined-only --extern-only "$1" | awk '{print $NF}')"
[ "$visible" = "$2" ] || fail "$1" "others see '$visible', not '$2' alone"
groups="$(readelf --section-groups --wide "$1")"
[[ "$groups" == *"no section groups"* ]] || fail "$1" "the linker may drop what is in its groups: $groups"
# Initializers run on any processor: the standard streams' has these instructions alone.
odd="$(objdump --disassemble --no-show-raw-insn "$1" |
  awk '/^[0-9a-f]+ <.*>:$/ {initializer = $2 ~ /_GLOBAL__sub_I|__cxx_global_var_init/}
       initializer && /^ +[0-9a-f]+:/ {print $2}' |
  grep -vxE 'endbr64|lea|leaq|sub|add|mov|movq|call|jmp|ret|push|pop|nop|nopw|nopl|xchg|cs|data16' || true)"
[ -z "$odd" ] || fail "$1" "an initializer has the instructions: $odd"
echo "$1: $2 alone"
