import Foundation
public import Testing

/// Compares `text` with the golden file `name` in the folder `Goldens` beside the test's file.
///
/// With `CINCH_BLESS=1` in the environment the file is rewritten and the test fails, so that no run both records
/// and passes; look at the change and run again.
public func expectGolden(
  _ text: String, _ name: String, testFile: String = #filePath, sourceLocation: SourceLocation = #_sourceLocation
) {
  let file = URL(fileURLWithPath: testFile).deletingLastPathComponent()
    .appendingPathComponent("Goldens").appendingPathComponent(name)
  let golden = try? String(contentsOf: file, encoding: .utf8)
  if golden == text { return }
  if ProcessInfo.processInfo.environment["CINCH_BLESS"] == "1" {
    do {
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try text.write(to: file, atomically: true, encoding: .utf8)
      Issue.record("blessed \(name): look at the change and run again", sourceLocation: sourceLocation)
    } catch {
      Issue.record("cannot write \(file.path): \(error)", sourceLocation: sourceLocation)
    }
    return
  }
  guard let golden else {
    Issue.record("no golden \(name); CINCH_BLESS=1 writes it", sourceLocation: sourceLocation)
    return
  }
  Issue.record(
    "\(name) differs; CINCH_BLESS=1 rewrites it\n\(unifiedDifference(golden, text, name))",
    sourceLocation: sourceLocation)
}

/// The lines that differ, in the style of `diff -u`.
public func unifiedDifference(_ old: String, _ new: String, _ name: String) -> String {
  let before = old.split(separator: "\n", omittingEmptySubsequences: false)
  let after = new.split(separator: "\n", omittingEmptySubsequences: false)
  var removed: Set<Int> = []
  var inserted: Set<Int> = []
  for change in after.difference(from: before) {
    switch change {
    case .remove(let offset, _, _): removed.insert(offset)
    case .insert(let offset, _, _): inserted.insert(offset)
    }
  }
  // Every line of both texts once, in order.
  var lines: [(mark: Character, text: Substring, old: Int, new: Int)] = []
  var (i, j) = (0, 0)
  while i < before.count || j < after.count {
    if removed.contains(i) {
      lines.append(("-", before[i], i, j))
      i += 1
    } else if inserted.contains(j) {
      lines.append(("+", after[j], i, j))
      j += 1
    } else {
      lines.append((" ", before[i], i, j))
      i += 1
      j += 1
    }
  }
  let context = 3
  var isShown = Array(repeating: false, count: lines.count)
  for (position, line) in lines.enumerated() where line.mark != " " {
    for near in max(0, position - context)...min(lines.count - 1, position + context) { isShown[near] = true }
  }
  var result = "--- \(name) (golden)\n+++ \(name)\n"
  for (position, line) in lines.enumerated() where isShown[position] {
    if position == 0 || !isShown[position - 1] {
      let end = (position..<lines.count).first { !isShown[$0] } ?? lines.count
      let shown = lines[position..<end]
      result +=
        "@@ -\(line.old + 1),\(shown.count { $0.mark != "+" }) +\(line.new + 1),\(shown.count { $0.mark != "-" }) @@\n"
    }
    result += "\(line.mark)\(line.text)\n"
  }
  return result
}
