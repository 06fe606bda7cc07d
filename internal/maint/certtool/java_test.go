package certtool_test

import (
	"regexp"
	"strings"
	"testing"

	"kiln/internal/maint/toolbox/toolboxtest"
)

// The order is that of the real program's file for the same list.
func TestJavaStore(t *testing.T) {
	names := strings.Fields("Aa BB one Two three four five six seven eight nine ten eleven")
	files := map[string]string{"/etc/ssl/certs/java/": "", "/opt/bad.pem": "no certificate"}
	list := "+/opt/bad.pem\n"
	for _, n := range names {
		files["/opt/"+n+".pem"] = certificateSpaces
		list += "+/opt/" + n + ".pem\n"
	}
	s := toolboxtest.New(t, files)
	s.Stdin = list + "-two.pem\n"
	const line = "java -Xmx64m -jar /usr/share/ca-certificates-java/ca-certificates-java.jar -storepass changeit"
	s.OK(line)
	store := s.File("/etc/ssl/certs/java/cacerts")
	got := strings.Join(regexp.MustCompile(`debian:[a-z]+\.pem`).FindAllString(store, -1), " ")
	want := "four nine five seven aa eleven one bb six ten eight three"
	want = "debian:" + strings.ReplaceAll(want, " ", ".pem debian:") + ".pem"
	if got != want {
		t.Errorf("the order is\n%s\nwant\n%s", got, want)
	}
	if out := s.OK("keytool -cacerts -storepass changeit -list -rfc"); strings.Count(out, "Alias name: debian:") != 12 {
		t.Errorf("the list is\n%s", out)
	}
	s.Fails("keytool -cacerts -storepass wrong -list", 1)
	s.Stdin = ""
	s.OK(line) // reads what it wrote
	if strings.Count(s.File("/etc/ssl/certs/java/cacerts"), "debian:") != 12 {
		t.Error("a second run loses certificates")
	}
	s.OK("java -version")
	s.Refuses("java -jar /opt/other.jar", "runs no Java")
	s.Refuses("keytool -genkeypair", "its list")
}
