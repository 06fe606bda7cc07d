// Package spelling tells how unlike two names are, for messages that suggest one.
package spelling

// Distance counts the bytes to insert, delete or replace that lead from a to b (Levenshtein).
func Distance(a, b string) int { return Within(a, b, max(len(a), len(b))) }

// Within is Distance, or limit+1 where that is above limit, which of many names takes
// less time to find out.
func Within(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		least := row[0]
		for j := range len(b) {
			next := diagonal
			if a[i] != b[j] {
				next++
			}
			diagonal = row[j+1]
			row[j+1] = min(next, diagonal+1, row[j]+1)
			least = min(least, row[j+1])
		}
		if least > limit {
			return limit + 1
		}
	}
	return min(row[len(b)], limit+1)
}
