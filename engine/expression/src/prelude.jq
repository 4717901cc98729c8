# What SonataFlow's jq has beside the interpreter's own library, and what that library does otherwise than it.

def tostring: _tostring;
def @text: tostring;
def @json: tojson;
def @html: tostring | escape_html;
def @uri: tostring | encode_uri;
def @base64: tostring | encode_base64;
def @base64d: tostring | decode_base64;
def @sh: [if type == "array" then .[] else . end
    | if type == "string" then "'\(escape_sh)'" elif type == "array" or type == "object" then error("\(type) cannot be escaped for shell") else tostring end]
  | join(" ");

def error: if . == null then empty else error_empty as $x | . end;
def error(message): message | error;
def halt: halt(0);
def halt_error: error;
def halt_error($code): error;

def in(xs): . as $x | xs | has($x);
def inside(xs): . as $x | xs | contains($x);
def index($i): indices($i) | .[0];
def rindex($i): indices($i) | .[-1:][0];
def ascii: [.] | implode;
def dateadd(u; n): . + n;
def datesub(u; n): . - n;
# jq 1.6 writes whole seconds; the interpreter's function writes a fraction too.
def todateiso8601: if type == "number" then floor else . end | _todateiso8601;
def todate: todateiso8601;
def date: todate;

def map_values(f): .[] |= f;
def with_entries(f): to_entries | map(f) | from_entries;

def flatten($d): if $d < 0 then error("flatten depth must not be negative")
  else reduce .[] as $x ([]; if ($x | type) == "array" and $d > 0 then . + ($x | flatten($d - 1)) else . + [$x] end) end;
def flatten: flatten(1000000000);

def transpose: if . == [] then [] else (map(length) | max) as $max | length as $n | [range(0; $max) as $j | [range(0; $n) as $i | .[$i][$j]]] end;
def IN(s): any(s == .; .);
def IN(src; s): any(src == s; .);
def INDEX(stream; f): reduce stream as $row ({}; . + { ($row | f | tostring): $row });
def INDEX(f): INDEX(.[]; f);
def tostream: path(def r: (.[]?|r), .; r) as $p | getpath($p) | reduce path(.[]?) as $q ([$p, .]; [$p + $q]);
def fromstream(f): {x: null, e: false} as $init
  | foreach f as $i ($init; if .e then $init else . end
      | if $i | length == 2 then setpath(["e"]; $i[0] | length == 0) | setpath(["x"] + $i[0]; $i[1])
        else setpath(["e"]; $i[0] | length == 1) end;
      if .e then .x else empty end);
def truncate_stream(s): . as $n | null | s | . as $input | if (.[0] | length) > $n then setpath([0]; .[0][$n:]) else empty end;

# Paths. What is null has no path of its own, and recursion ends at it.
def recurse(f): def r: ., (_further | f | select(. != null) | r); r;
def recurse: recurse(.[]?);
def recurse(f; cond): recurse(f | select(cond));
def recurse_down: recurse;
def while(cond; update): def rec: if cond then ., (_further | update | rec) else empty end; rec;
def until(cond; update): def rec: if cond then . else _further | update | rec end; rec;
def paths: paths(. != null);
def leaf_paths: paths(scalars);
def getpath($path): if $path | type == "array" then reduce $path[] as $p (.; _further | .[$p]) else error("Path must be specified as an array") end;
def setpath($path; $x): getpath($path) = $x;
def delpaths($paths): _delpaths($paths);
def del(f): delpaths([path(f)]);
# Members come in the order of their names.
def walk(f): def w: . as $in
    | if type == "object" then reduce keys[] as $key ({}; [. + { ($key): ($in[$key] | w) }] | .[-1]) | f
      elif type == "array" then map(w) | f
      else f end;
  w;

# Regular expressions, given as a text or as an array of it and flags.
def _regex: if type == "string" then [., null]
  elif type == "array" and length > 0 then [.[0], .[1]]
  else error(type + " not a string or array") end;
def test($re; $flags): _test($re; $flags);
def test($re): ($re | _regex) as [$re, $flags] | test($re; $flags);
def match($re; $flags): _matches($re; $flags)[];
def match($re): ($re | _regex) as [$re, $flags] | match($re; $flags);
def capture($re; $flags): match($re; $flags) | reduce (.captures[] | select(.name != null)) as $c ({}; . + { ($c.name): $c.string });
def capture($re): ($re | _regex) as [$re, $flags] | capture($re; $flags);
def scan($re; $flags): match($re; $flags + "g") | if .captures == [] then .string else [.captures[].string] end;
def scan($re): scan($re; "");
def splits($re; $flags): _parts($re; "g" + $flags)[] | strings;
def splits($re): splits($re; null);
def split($re; $flags): [splits($re; $flags)];
def sub($re; f; $flags): reduce _parts($re; $flags)[] as $part (""; . + ($part | if type == "string" then . else f | "\(.)" end));
def sub($re; f): sub($re; f; "");
def gsub($re; f; $flags): sub($re; f; $flags + "g");
def gsub($re; f): sub($re; f; "g");

def limit($n; f): if $n < 0 then f elif $n == 0 then empty else label $out | foreach f as $x (0; . + 1; $x, if . >= $n then break $out else empty end) end;
def last(f): reduce f as $x (null; $x);
def nth($n; f): if $n < 0 then error("nth doesn't support negative indices") else last(limit($n + 1; f)) end;
def bsearch($x): (map(. < $x) | map(select(.)) | length) as $i | if .[$i] == $x and $i < length then $i else -1 - $i end;
def combinations: if length == 0 then [] else .[0][] as $x | (.[1:] | combinations) as $w | [$x] + $w end;
def combinations($n): [range($n) as $i | .] | combinations;
def ltrimstr($x): if type == "string" and ($x | type) == "string" and startswith($x) then .[($x | length):] else . end;
def rtrimstr($x): if type == "string" and ($x | type) == "string" and endswith($x) and $x != "" then .[:length - ($x | length)] else . end;
def uridecode: (. / "+") | join(" ") | decode_uri;
def timestamp: now * 1000 | floor | . + 0;
def hostname(x): x as $x | hostname;

# Patterns are Java's and moments are milliseconds, unless the pattern is one of jq, with seconds.
def _pattern: if utf8bytelength > 1024 then error("a pattern may have 1024 bytes, this has \(utf8bytelength)") else . end;
# A moment is seconds, or year, month from 0, and so on. The interpreter multiplies the seconds and adds to the month without a look at
# how large they are.
def _moment: if type == "number" and fabs > 1000000000000 then error("\(.) is no moment of the years to 9999")
  elif type == "array" and (.[1] | type == "number" and (. < 0 or . > 11)) then error("a month is from 0 to 11, this is \(.[1])")
  else . end;
def gmtime: _moment | _gmtime;
def localtime: _moment | _localtime;
def mktime: _moment | _mktime;
def strflocaltime($pattern): _moment | _strflocaltime($pattern | _pattern);
def strftime($pattern): if $pattern | type == "string" and contains("%") then _moment | _strftime($pattern | _pattern) else strftime($pattern; "UTC") end;
def strptime($pattern): if $pattern | type == "string" and contains("%") then _strptime($pattern | _pattern) else strptime($pattern; "UTC") end;

# What later versions of jq have.
def toarray: if type == "array" then . else [.] end;
def have_literal_numbers: true;
def have_decnum: false;
def add(f): reduce f as $x (null; . + $x);
def abs: if type == "number" and . < 0 then -. else . end;
def pick(pathexps): . as $top | reduce path(pathexps) as $p (null; setpath($p; $top | getpath($p)));

# What would leave the expression.
def input_filename: null;
def debug(msg): .;
def stderr: .;
def debug: .;

# These take as many rounds as their order.
def _order: if type == "number" and fabs > 100000 then error("the order of a Bessel function may be 100000, this is \(.)") else . end;
def jn($order; $x): _jn($order | _order; $x);
def yn($order; $x): _yn($order | _order; $x);
