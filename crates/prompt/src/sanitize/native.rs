//! Attempts in scripts of their own, where nothing has to be seen through but the script.
//!
//! Cyrillic and Greek text also passes the search for look-alikes of Latin letters; it is the words of
//! these languages themselves that are found here.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

use super::glyph::is_invisible;

/// Each language: a pattern in which a blank stands for nothing, because blanks are left out of the text.
const PATTERNS: &[&str] = &[
    // Russian and Ukrainian
    r"(?:про)?(?:игнорируй|игнорируйте|игнорировать|забудь|забудьте|отбрось|отбросьте|нарушь|ігноруй|ігноруйте|забудьпро|необращайвниманияна|необращайтевниманияна|неследуй|неследуйте)(?:все|всё|всех|всі|усі|усіх|любые|свои|твои|эти|о|про|обо|на|пожалуйста|указанные){0,4}(?:предыдущ|прежн|прошл|вышеуказанн|системн|ранееданн|ранее|предшествующ|попередн|изначальн|исходн)\p{L}{0,24}?(?:инструкц|указани|правил|команд|приказ|промпт|сообщени|директив|настройк|вказівк|інструкц)",
    r"(?:ты|вы)(?:теперь|отныне)(?:являешься|являетесь|не|свобод|неограничен|злой|хакер|админ|dan)",
    r"(?:отныне|теперь|сэтогомомента)(?:ты|вы)(?:являешься|являетесь|будешь|не(?:связан|обязан)|свобод|хакер|админ|dan)",
    r"(?:про)?(?:игнорируй|игнорируйте|забудь|забудьте|отбрось|отбросьте)(?:обо|о|про)?(?:всё|все|всем|всём)?(?:что(?:тебе|вам|ты|вы|было|я){0,2}(?:раньше|ранее|прежде|до)?(?:говорил|сказал|велел|знал|написан)|вышесказанн|сказанноевыше|сказанноеранее|предыдущее|написанноевыше)",
    // Chinese, simplified and traditional
    r"(?:忽略|无视|無視|忘记|忘記|忘掉|不要理会|不要理會|不理会|抛弃|拋棄|不要遵守|不要遵循|请勿遵守|停止遵守|停止遵循|覆盖|覆蓋|绕过|繞過)(?:你|您|所有|全部|一切|的|任何|掉|收到|给你|給你|被|关于|關於|我们|他们){0,6}(?:之前|以上|先前|上述|前面|此前|过去|過去|以前|系统|系統|原有|原来|原來|上面|组织|組織|开发者|開發者|早先)(?:所有|全部|的|一切|任何|收到|给你|給你|给出|給出|设定|設定|过|過){0,6}(?:指令|指示|提示|规则|規則|命令|要求|内容|內容|设定|設定|说明|說明|限制|约束|對話|对话)",
    r"(?:从现在开始|從現在開始|从现在起|從現在起|你现在|你現在)(?:你)?(?:是|就是|扮演|不再)(?:一个|一個|一名|不受|没有|沒有|受|我的|dan|黑客|駭客)",
    r"(?:忽略|无视|無視|忘记|忘記|忘掉)(?:你|您)?(?:之前|以上|上面|此前|前面|先前)(?:的|所)?(?:一切|所有|全部)?(?:内容|內容|话|話|告诉|告訴|被告知|说过|說過|一切)",
    // Japanese
    r"(?:これまで|今まで|以前|上)(?:の|に|言われた){0,2}(?:こと|内容|話|会話)(?:を|は)?(?:すべて|全て|全部)?(?:忘れ|無視)",
    r"(?:以前|これまで|今まで|前|上記|先|すべて|全て|従来|システム|それまで|上)(?:の|に|与え|られ|た|すべて|全て|全|まで|システム){0,6}(?:指示|命令|ルール|プロンプト|指令|規則|設定|制約)(?:を|は|など|事項|すべて|全て|全部|完全に|一切){0,4}(?:無視|忘れ|破棄|無効)",
    r"(?:あなたは今から|今からあなたは|これからあなたは|あなたは今や)",
    // Korean
    r"(?:지금까지|이전|위|앞)(?:의|에)?(?:모든)?(?:말|내용|대화)(?:을|를|은|는)?(?:모두|전부|다)?(?:무시|잊)",
    r"(?:이전|위|앞|기존|모든|시스템|지금까지)(?:의|에|모든|받은|주어진|까지){0,4}(?:지시|명령|지침|규칙|프롬프트|설정)(?:사항)?(?:들)?(?:을|를|은|는)?(?:모두|전부|다|완전히){0,2}(?:무시|잊어|잊으|폐기)",
    r"(?:지금부터|이제)(?:너는|당신은|넌)(?:더이상|제한없는|해커|관리자|dan)",
    // Arabic
    r"(?:تجاهل|تجاهلي|انس|انسى|أهمل)(?:جميع|كل|كافة){0,2}(?:التعليمات|الأوامر|القواعد|الإرشادات|التوجيهات)(?:السابقة|أعلاه|القديمة|التي)",
    r"(?:أنتالآن|منالآنفصاعداأنت)",
    // Hindi
    r"(?:पिछले|पहले|पिछल|ऊपर|पूर्व)(?:के|दिए|गए|सभी|सब|सारे){0,4}(?:निर्देश|आदेश|नियम)(?:ों|को|का|की){0,3}(?:अनदेखा|नज़रअंदाज़|नजरअंदाज|भूल)",
    r"(?:सभी|सारे)(?:पिछले|पहले|पूर्व)(?:के){0,1}(?:निर्देश|आदेश|नियम)(?:ों|को|का|की){0,3}(?:अनदेखा|नज़रअंदाज़|नजरअंदाज|भूल)",
    // Greek
    r"(?:αγνόησε|αγνοήστε|ξέχασε|ξεχάστε)(?:όλες|τις|όλους|τους){0,4}(?:προηγούμενες|προηγούμενους|παραπάνω)(?:οδηγίες|εντολές|κανόνες)",
];

/// What stands before such words and denies them; those of alphabets are words of their own.
const DENIALS: &[&str] = &[
    "не",
    "ні",
    "не надо",
    "нельзя",
    "никогдане",
    "不要",
    "请勿",
    "請勿",
    "别",
    "別",
    "勿",
    "不得",
    "不可",
    "不能",
    "不应",
    "不會",
    "不会",
    "不准",
    "لا",
    "μην",
    "μη",
];

/// What stands behind such words and denies them.
const ENDS: &[&str] = &[
    "しない",
    "せず",
    "するな",
    "しては",
    "してはいけ",
    "하지마",
    "하지않",
    "하면안",
    "नकर",
    "मतकर",
    "नाकर",
];

static FOUND: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let all: Vec<String> = PATTERNS.iter().map(|one| format!("(?:{one})")).collect();
    Regex::new(&all.join("|")).ok()
});

/// Where such attempts stand in a text.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let Some(found) = &*FOUND else {
        return Vec::new();
    };
    let mut letters = String::with_capacity(text.len());
    let mut origin = Vec::with_capacity(text.len());
    let mut foreign = false;
    for (at, c) in text.char_indices() {
        // Marks belong to the letters of some scripts, so everything that does not separate is kept.
        let separates = c.is_whitespace() || c.is_ascii_punctuation() || is_sign(c);
        if separates || is_invisible(c) {
            continue;
        }
        foreign |= c >= '\u{370}' && c.is_alphabetic();
        for lower in c.to_lowercase() {
            letters.push(lower);
            origin.resize(letters.len(), (at, at + c.len_utf8()));
        }
    }
    if !foreign {
        return Vec::new();
    }
    found
        .find_iter(&letters)
        .filter(|found| {
            let (before, after) = (&letters[..found.start()], &letters[found.end()..]);
            let denied = DENIALS.iter().any(|denial| {
                let start = before.strip_suffix(denial).map(str::len);
                start.is_some_and(|start| begins_word(text, origin[start].0))
            });
            !denied && !ENDS.iter().any(|end| after.starts_with(end))
        })
        .filter_map(|found| {
            let places = origin.get(found.range())?;
            Some(places.first()?.0..places.last()?.1)
        })
        .collect()
}

/// Nothing that belongs to the same word stands before a place.
fn begins_word(text: &str, at: usize) -> bool {
    let before = text[..at].chars().next_back();
    let here = text[at..].chars().next();
    let alphabet = |c: char| c.is_alphabetic() && c < '\u{2e80}';
    !(before.is_some_and(alphabet) && here.is_some_and(alphabet))
}

/// Signs between words.
fn is_sign(c: char) -> bool {
    matches!(c, '\u{2010}'..='\u{2027}' | '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '·' | '・'
        | '，' | '：' | '；' | '！' | '？' | '।')
}

#[cfg(test)]
pub(super) fn compiles() -> bool {
    FOUND.is_some()
}
