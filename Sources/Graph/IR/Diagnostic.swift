/// A mistake in the user's program, or what is probably one, with the line that made it.
public struct Diagnostic: Error, Sendable, Hashable, CustomStringConvertible {
  public struct Note: Sendable, Hashable {
    public var message: String
    public var site: CallSite
    /// The path of the layer, or the name of the parameter or input, that the note is about; empty where there is none.
    public var name: String
    public init(_ message: String, at site: CallSite, name: String = "") {
      self.message = message
      self.site = site
      self.name = name
    }
  }

  public enum Severity: String, Sendable, Hashable {
    case error
    /// The program is right, and does hardly what was meant.
    case warning
  }

  public var message: String
  public var site: CallSite
  public var notes: [Note]
  public var severity = Severity.error
  /// Warnings about one line that share this value say the same.
  package var topic = ""
  /// The path of the model's layer or other part in which the mistake was found: `encoder.layers.0`. Empty where it is in none.
  public var layer = ""
  /// Whether a tensor is too large, and nothing else is wrong: what an op becomes may be so though its result is not.
  var isAboutSize = false

  public init(_ message: String, at site: CallSite, notes: [Note] = []) {
    self.message = message
    self.site = site
    self.notes = notes
  }

  public var description: String {
    var text = Self.line(site, severity.rawValue, layer.isEmpty ? message : "in '\(layer)': \(message)")
    for note in notes {
      text += "\n" + Self.line(note.site, "note", note.name.isEmpty ? note.message : "\(note.message) ('\(note.name)')")
    }
    return text
  }

  private static func line(_ site: CallSite, _ kind: String, _ message: String) -> String {
    site.line > 0 ? "\(site.filePath):\(site.line): \(kind): \(message)" : "\(kind): \(message)"
  }
}

/// All mistakes found in one graph.
public struct GraphError: Error, Sendable, CustomStringConvertible {
  public let diagnostics: [Diagnostic]
  public init(_ diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }
  public var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}

/// A broken invariant of Cinch's own: never the user's mistake.
public struct InternalError: Error, Sendable, CustomStringConvertible {
  public let stage: String
  public let message: String

  public init(stage: String, message: String) {
    self.stage = stage
    self.message = message
  }

  public var description: String {
    "error: internal error in \(stage): \(message)\nThis is a bug in Cinch, not in your program; please report it with this text."
  }
}
