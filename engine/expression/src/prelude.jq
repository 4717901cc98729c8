# What jq has beside the interpreter's own library, and what that library does otherwise than jq.

def @json: tojson;
def @csv: [.[] | csv_cell] | join(",");
def @tsv: [.[] | tsv_cell] | join("\t");


def in(xs): . as $x | xs | has($x);
def inside(xs): . as $x | xs | contains($x);
def index($i): indices($i) | .[0];
def rindex($i): indices($i) | .[-1:][0];
def ascii: [.] | implode;
def dateadd(u; n): . + n;
def datesub(u; n): . - n;
def date: todate;

def map_values(f): if type == "array" then [.[] | f] else with_entries(.value |= f) end;
def join($s): if . == [] or . == {} then "" else reduce .[] as $x (null; (if . == null then "" else . + $s end) + ($x | if . == null then "" elif type == "string" then . elif type == "number" or type == "boolean" then tojson else error("Cannot join with \(type)") end)) end;

def from_entries: reduce .[] as $x ({};
  . + { ($x | if type == "object" then (if has("key") then .key elif has("k") then .k elif has("name") then .name elif has("Name") then .Name elif has("Key") then .Key elif has("K") then .K else null end) else . end
        | if type == "string" then . elif type == "null" then "null" else tojson end):
        ($x | if type == "object" then (if has("value") then .value elif has("v") then .v elif has("Value") then .Value elif has("V") then .V else null end) else null end) });
def with_entries(f): to_entries | map(f) | from_entries;

def flatten($d): if $d < 0 then error("flatten depth must not be negative")
  else reduce (if type == "object" then .[] else .[] end) as $x ([]; if ($x | type) == "array" and $d > 0 then . + ($x | flatten($d - 1)) else . + [$x] end) end;
def flatten: flatten(1000000000);

def transpose: if . == [] then [] else (map(length) | max) as $max | length as $n | [range(0; $max) as $j | [range(0; $n) as $i | .[$i][$j]]] end;
def IN(s): any(s == .; .);
def IN(src; s): any(src == s; .);
def INDEX(stream; f): reduce stream as $row ({}; . + { ($row | f | tostring): $row });
def INDEX(f): INDEX(.[]; f);
def splits($re): splits($re; null);
def tostream: path(def r: (.[]?|r), .; r) as $p | getpath($p) | reduce path(.[]?) as $q ([$p, .]; [$p + $q]);
def fromstream(f): {x: null, e: false} as $init
  | foreach f as $i ($init; if .e then $init else . end
      | if $i | length == 2 then setpath(["e"]; $i[0] | length == 0) | setpath(["x"] + $i[0]; $i[1])
        else setpath(["e"]; $i[0] | length == 1) end;
      if .e then .x else empty end);
def truncate_stream(s): . as $n | null | s | . as $input | if (.[0] | length) > $n then setpath([0]; .[0][$n:]) else empty end;
def leaf_paths: paths(scalars);
def getpath($path): reduce $path[] as $p (.; if . == null then null else .[$p] end);
def toarray: if type == "array" then . else [.] end;
def have_literal_numbers: true;
def have_decnum: false;
def error($message): $message | error;
def add(f): reduce f as $x (null; . + $x);
def abs: if type == "number" and . < 0 then -. else . end;
def walk(f): def w: if type == "object" then with_entries(.value |= w) elif type == "array" then map(w) else . end | f; w;
def env: {};
def halt_error: error;
def halt_error($code): error;
def input_filename: null;
def ltrimstr($x): if type == "string" and ($x | type) == "string" and startswith($x) then .[($x | length):] else . end;
def rtrimstr($x): if type == "string" and ($x | type) == "string" and endswith($x) and $x != "" then .[:length - ($x | length)] else . end;
def limit($n; f): if $n <= 0 then empty else label $out | foreach f as $x (0; . + 1; $x, if . >= $n then break $out else empty end) end;
def bsearch($x): (map(. < $x) | map(select(.)) | length) as $i | if .[$i] == $x and $i < length then $i else -1 - $i end;
def combinations: if length == 0 then [] else .[0][] as $x | (.[1:] | combinations) as $w | [$x] + $w end;
def pick(pathexps): . as $top | reduce path(pathexps) as $p (null; setpath($p; $top | getpath($p)));
def debug(msg): .;
def stderr: .;
def debug: .;
