<?xml version="1.0" encoding="UTF-8"?>
<robot generator="Rebot 7.5 (Python 3.11.7 on linux)" generated="2026-11-22T07:42:49.096447" rpa="false" schemaversion="5">
<suite id="s1" name="Fl" source="fl.robot">
<test id="s1-t1" name="Flaky" line="2">
<kw name="Evaluate" owner="BuiltIn">
<msg time="2026-11-22T07:42:48.599061" level="INFO">${x} = True</msg>
<var>${x}</var>
<arg>os.path.exists('flag')</arg>
<arg>modules=os</arg>
<doc>Evaluates the given expression in Python and returns the result.</doc>
<status status="PASS" start="2026-11-22T07:42:48.598361" elapsed="0.000745"/>
</kw>
<kw name="Evaluate" owner="BuiltIn">
<arg>open('flag','w').close()</arg>
<doc>Evaluates the given expression in Python and returns the result.</doc>
<status status="PASS" start="2026-11-22T07:42:48.599242" elapsed="0.000313"/>
</kw>
<kw name="Should Be True" owner="BuiltIn">
<arg>${x}</arg>
<doc>Fails if the given condition is not true.</doc>
<status status="PASS" start="2026-11-22T07:42:48.599651" elapsed="0.000190"/>
</kw>
<status status="PASS" start="2026-11-22T07:42:48.596144" elapsed="0.003790">*HTML* &lt;span class="merge"&gt;Test has been re-executed and results merged.&lt;/span&gt;&lt;hr&gt;&lt;span class="new-status"&gt;New status:&lt;/span&gt; &lt;span class="pass"&gt;PASS&lt;/span&gt;&lt;br&gt;&lt;hr&gt;&lt;span class="old-status"&gt;Old status:&lt;/span&gt; &lt;span class="fail"&gt;FAIL&lt;/span&gt;&lt;br&gt;&lt;span class="old-message"&gt;Old message:&lt;/span&gt; 'False' should be true.&lt;br&gt;</status>
</test>
<test id="s1-t2" name="Ok" line="6">
<kw name="Log" owner="BuiltIn">
<msg time="2026-11-22T07:42:48.054614" level="INFO">x</msg>
<arg>x</arg>
<doc>Logs the given message with the given level.</doc>
<status status="PASS" start="2026-11-22T07:42:48.054455" elapsed="0.000188"/>
</kw>
<status status="PASS" start="2026-11-22T07:42:48.054230" elapsed="0.000468"/>
</test>
<status status="PASS" elapsed="0.004258"/>
</suite>
<statistics>
<total>
<stat pass="2" fail="0" skip="0">All Tests</stat>
</total>
<tag>
</tag>
<suite>
<stat name="Fl" id="s1" pass="2" fail="0" skip="0">Fl</stat>
</suite>
</statistics>
<errors>
</errors>
</robot>
